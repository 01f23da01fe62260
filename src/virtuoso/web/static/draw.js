// Numbers, bars and badges, as every part of the status page draws them.
const svgNamespace = "http://www.w3.org/2000/svg";
export const QUALITY = { live: "good", delayed: "warn", partial: "warn", stale: "bad", unavailable: "bad" };

export function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
}

export function number(value, digits, signed = false) {
  if (value === null || value === undefined) return "—";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: signed ? "exceptZero" : "negative",
  });
}

// Digits behind the point of the shortest text that is this number.
function places(value) {
  const [mantissa, exponent] = value.toExponential().split("e");
  return Math.max(0, (mantissa.split(".")[1] ?? "").length - Number(exponent));
}

// A price to its tick's decimals, between ticks and without one to as many more as it needs: as `model.text.numbers` does.
export function price(value, tick = null) {
  if (value === null || value === undefined || !(Math.abs(value) < 1e18)) return "—";
  const isStep = tick !== null && tick >= 1e-15 && tick < 1e18;
  if (Math.abs(value) < 1e-15) return number(0, isStep ? places(tick) : 0);
  const most = Math.max(0, 14 - Math.floor(Math.log10(Math.abs(value))));
  if (!isStep) return number(value, Math.min(most, places(Number(value.toPrecision(15)))));
  let decimals = Math.min(most, places(tick));
  while (decimals < most && Math.abs(Number(value.toFixed(decimals)) - value) > 5e-6 * Math.abs(value)) decimals += 1;
  return number(value, decimals);
}

// A raw value of any magnitude, to four digits.
export function raw(value) {
  if (value === null || value === undefined) return "—";
  if (Math.abs(value) < 1e-15) return "0";
  const rounded = Number(value.toPrecision(4));
  return number(Math.abs(value) >= 1e4 ? value : rounded, Math.abs(value) >= 1e4 ? 0 : places(rounded));
}

export function compact(value) {
  return value === null ? "—" : Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function percent(value, digits = 2) {
  return value === null || value === undefined ? "—" : `${number(value, digits, true)} %`;
}

// A probability.
export function share(value) {
  return value === null || value === undefined ? "—" : `${number(100 * value, 0)} %`;
}

export function direction(value) {
  return value > 0 ? "up" : value < 0 ? "down" : "";
}

export function time(text) {
  return text ? `${text.slice(11, 19)} UTC` : "—";
}

// A time with its day.
export function moment(text) {
  return text ? `${text.slice(0, 10)} ${time(text)}` : "—";
}

// The minute of a bar's close, in UTC.
export function minute(text) {
  return text ? text.slice(11, 16) : "—";
}

const ACRONYM = /^(adl|adx|cci|cmf|di|macd|obv|poc|rsi|vpin|vwap)$/;

// A name as a title, or within a sentence.
export function words(name, within = false) {
  const said = name.split("_").map((part) => (ACRONYM.test(part) ? part.toUpperCase() : part)).join(" ");
  return within ? said : said[0].toUpperCase() + said.slice(1);
}

// A value in [-1, 1] as a bar from the middle, to the right above zero.
export function signedBar(value, width = 70) {
  const svg = document.createElementNS(svgNamespace, "svg");
  for (const [name, set] of Object.entries({ class: "bar", width, height: 12, "aria-hidden": "true" })) svg.setAttribute(name, set);
  const add = (tag, attributes) => {
    const shape = document.createElementNS(svgNamespace, tag);
    for (const [name, set] of Object.entries(attributes)) shape.setAttribute(name, set);
    svg.append(shape);
  };
  const middle = width / 2;
  const length = Math.min(1, Math.abs(value)) * middle;
  add("rect", { class: "track", x: 0, y: 3, width, height: 6, rx: 3 });
  add("rect", { class: value >= 0 ? "plus" : "minus", x: value >= 0 ? middle : middle - length, y: 3, width: length, height: 6 });
  add("line", { class: "middle", x1: middle, x2: middle, y1: 1, y2: 11 });
  return svg;
}

// A score of 0–100 with its bar; unknown is a dash.
export function scored(score, width, digits = 1, tag = "td") {
  const cell = make(tag, null, "scored");
  if (score === null || score === undefined) {
    cell.append(make("span", "—", "muted"));
    cell.title = "no data; open the symbol for the reason";
  } else {
    cell.append(signedBar((score - 50) / 50, width), make("span", number(score, digits)));
  }
  return cell;
}

export function badge(text, kind) {
  return make("span", text, `badge ${kind ?? ""}`);
}

// Names and values as a list of terms; a value may be a text or an element.
// A label in its colour; none is a dash.
// What a signal says; where there is none yet, why is said to whoever points at it.
export function label(signal, reasons = []) {
  const said = make("span", signal ?? "none yet", signal ? `label ${signal}` : "muted");
  said.title = reasons.join("; ");
  return said;
}

export function terms(pairs, className) {
  const list = make("dl", null, className);
  for (const [name, value] of pairs) {
    const row = make("div");
    const said = make("dd");
    said.append(value);
    row.append(make("dt", name), said);
    list.append(row);
  }
  return list;
}

// A table that scrolls sideways by itself, by keyboard too; `columns` are titles, those in `right` are numbers.
export function table(label, columns, right, rows) {
  const scroll = make("div", null, "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", label);
  const element = make("table");
  const head = make("tr");
  for (const title of columns) {
    const cell = make("th", title, right.includes(title) ? "number" : "");
    cell.scope = "col";
    head.append(cell);
  }
  const top = make("thead");
  top.append(head);
  const body = make("tbody");
  body.append(...rows);
  element.append(top, body);
  scroll.append(element);
  return scroll;
}
