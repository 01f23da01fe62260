// What each component of a score measures, in plain words: what a reading above neutral means.

export const COMPONENTS: Readonly<Record<string, string>> = {
  absorption: "Which side of the book takes large orders without giving way: above neutral, the bids absorb sales.",
  account_ratio:
    "How many accounts are long against how many are short, against its own past. It is read against the crowd: many longs count down.",
  adl: "Whether volume comes when bars close near their highs (up) or near their lows (down), over 120 bars.",
  aggressor_pressure: "Whether takers buy more often than they sell, by the number of trades.",
  awesome_oscillator: "Whether the average price of five bars stands above that of 34, in the usual size of a bar.",
  basis: "Whether the future trades above its index (up) or below it (down).",
  cci: "How far the typical price is from its average of 20 bars, in its usual distance.",
  cmf: "Whether volume comes when bars close near their highs (up) or near their lows (down), over 20 bars.",
  cumulative_volume_delta:
    "Whether takers have been buying or selling over the last hour, against the usual swing of that sum.",
  depth_imbalance: "Whether more is bid or offered near the price, the nearest levels counting most.",
  di_difference: "Whether upward or downward steps of the bars are the larger ones, as far as there is a trend.",
  fair_value_gaps: "Gaps that fast moves left and that are still open: below the price they lift, above it they press.",
  funding: "The funding rate against its own past: high when longs pay unusually much.",
  large_trade_flow: "Whether large takers buy or sell, as a share of all that is traded.",
  liquidations: "Whose positions were closed by force of late: shorts (up) or longs (down), as a share of the volume.",
  macd: "Whether the faster average of prices gains on the slower one, in the usual size of a bar.",
  micro_price: "To which side of the middle the sizes at the best bid and ask push the price.",
  momentum: "How far the price has come in 20 bars, against what a random walk would.",
  obv: "Whether volume comes in rising or in falling bars, over 60 bars.",
  open_interest_quadrant:
    "Whether the move of the price comes with new positions; one that positions leave counts little.",
  order_blocks: "Places where strong moves began: below the price they support it, above it they hold it back.",
  order_flow_imbalance: "Whether orders added and taken at the best bid and ask press up or down.",
  profile_position: "How far the price is from where most was traded, in half the width of the value area.",
  range_position: "Where the price stands within the highest high and lowest low of 48 bars.",
  rsi: "How much of the movement of 14 bars was upward.",
  support_resistance: "Whether levels that held before lie nearer below the price (up) or above it (down).",
  swing_structure: "Whether swings make higher highs and lows, or lower ones, and whether the last one was broken.",
  trade_flow_imbalance: "Whether takers buy or sell, by volume, over ten minutes.",
  trend_position: "Where the price stands against the line through its last 64 closes, and how steep that is.",
  volume_delta: "Whether takers bought or sold more over 20 bars, as a share of the volume.",
  vwap_distance: "How far the price is from the average price paid, in the usual size of a bar.",
  williams_r: "Where the price stands within the range of 14 bars.",
};
