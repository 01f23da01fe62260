// Names of the API as people read them.

const ACRONYMS = /^(adl|adx|cci|cmf|cvd|di|ema|macd|obv|poc|rsi|vpin|vwap|cpu|rest|btc|eth)$/;

/** `order_flow` as `Order flow`, or within a sentence `order flow`. */
export function words(name: string, within = false): string {
  const said = name
    .split("_")
    .map((part) => (ACRONYMS.test(part) ? part.toUpperCase() : part))
    .join(" ");
  return within || said === "" ? said : said.charAt(0).toUpperCase() + said.slice(1);
}

/** A name that the API writes in capitals, as a word: `BULLISH` as `Bullish`. */
export function titled(name: string): string {
  return name.charAt(0) + name.slice(1).toLowerCase();
}

/** A change of label: what begins with it, or what ends. */
export function changeText(signal: string | null, before: string | null): string {
  if (signal === "BUY" || signal === "SELL" || before === null) return signal ?? "—";
  return `${before} ended`;
}

/** `BTCUSDT` as what is traded and what it is priced in, where the name ends so. */
export function split(symbol: string): [base: string, quote: string] {
  const quote = /^[A-Z0-9]+?(USDT|USDC|USD)$/.exec(symbol)?.[1];
  return quote === undefined ? [symbol, ""] : [symbol.slice(0, -quote.length), quote];
}
