// Terms of the page in plain words; docs/glossary.md and docs/methodology.md have formulas and sources.

export const TERMS = {
  agreement:
    "How far the evidence is of one mind, times how much of it there is and how fresh it is: 0 to 1. It is not the chance of a gain.",
  band: "How stretched pressure is: stretched up, balanced, or stretched down.",
  breadth: "How many symbols rose and how many fell by 0.1 % or more over 24 hours.",
  change: "Change of the price over the last 24 hours, as the exchange tells it.",
  claims:
    "Mean result of BUY and SELL after two fees, the spread and funding, each entered at the next minute's open and held for its horizon.",
  cone: "Where the price will stand: half of the closes are expected inside the inner band, 80 % inside the middle one, 95 % inside the outer one.",
  confidence:
    "Probability that the signal turns out right. Of HOLD: that the better side would not have paid its costs.",
  factors: "Six kinds of evidence, each scored 0 to 100; 50 is neutral. Their weighted mean is the pressure.",
  interruption:
    "A message of its own, which makes somebody look. The market may send a few a day; the rest waits for the digest. Critical incidents, your rules and the program's own always interrupt.",
  large_move:
    "Probability of a large move within the next hour, either way. Large is what one in five of this symbol's own moves of the last seven days exceeded.",
  lean: "Which way it goes beyond costs likelier. Shown only where saying so was right more often than wrong, beyond chance.",
  lift: "How often the price left its 95 % band after such alerts, over how often it did after minutes of equal forecast volatility and hour. 1 is no better than any minute.",
  momentum: "Drift of the last day, in its own volatility: 0 to 100, 50 is none.",
  net: "The result on the side that was claimed, less two fees and the spread, and funding up to 4h: in hundredths of a percent (bp).",
  percentile:
    "Where the reading lies among this symbol's own readings of the last seven days: the 1st is as low as it gets, the 99th as high.",
  pressure: "How one-sided the evidence is now: 0 to 100, above 50 up, below down. It says nothing about what follows.",
  quality: "How fresh the data is, judged by when each feed last proved itself alive.",
  range: "The 80 % range of the close: four of five are expected inside.",
  regime: "What kind of market it is: trending up or down, a range, or volatile, each with its probability.",
  signal:
    "BUY or SELL only where following such claims has paid its costs so far, beyond chance. HOLD where it has not; a dash where there is no fresh reading.",
  skill:
    "1 less the mean squared error over that of each symbol's own past rate: above 0 it says more than the rate, at 0 nothing more, below 0 less.",
  trend_strength: "How strong trends are, whichever way (ADX): from 25 on it is called a trend.",
  turnover: "Value traded over the last 24 hours.",
  last_hour:
    "How far the price went within the last hour, and how often it went as far, either way, in the last seven days. Usual: in more than one hour of five.",
  volatility_forecast:
    "How far prices moved within the last hour beside what was forecast for it an hour before: the mean over all symbols. About as often above as below is what a good forecast has.",
  volatility: "How far prices move in a day, measured over the last day; usual is the same over the last week.",
} satisfies Record<string, string>;

export type TermName = keyof typeof TERMS;
