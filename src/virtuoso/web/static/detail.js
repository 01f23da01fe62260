// One symbol in full: why, each timeframe, each factor with its components, what an entry would mean.
import { QUALITY, badge, direction, label, make, minute, number, percent, price, raw, scored, share, signedBar, table, terms, words } from "./draw.js";

const LEAST_SCALE = 5;
const BAR = 100;
const dialog = document.getElementById("detail");
const body = document.getElementById("detail-body");
let shown = null;

export async function showDetail(symbol) {
  const answer = await fetch(`/api/symbols/${encodeURIComponent(symbol)}`);
  const doc = await answer.json();
  const again = dialog.open && shown?.symbol === symbol;
  const expanded = new Set(again ? [...body.querySelectorAll("details[open]")].map((each) => each.dataset.name) : []);
  document.getElementById("detail-title").replaceChildren(...title(symbol, answer.ok ? doc : null));
  if (answer.ok) body.replaceChildren(...parts(doc).filter(Boolean));
  else body.replaceChildren(make("p", doc.detail));
  for (const each of body.querySelectorAll("details")) each.open = expanded.has(each.dataset.name);
  shown = { symbol, timestamp: answer.ok ? doc.signal.timestamp : null };
  if (!dialog.open) dialog.showModal();
}

// What is open follows the bars.
export function followDetail(signals) {
  if (!dialog.open || shown === null) return;
  const row = signals.find((signal) => signal.symbol === shown.symbol);
  if (row && row.timestamp !== shown.timestamp) showDetail(shown.symbol);
}

function title(symbol, doc) {
  if (doc === null) return [symbol];
  return [symbol, " ", label(doc.signal.signal), " ", make("span", number(doc.signal.score, 1)),
    make("span", ` at ${price(doc.ticker.price, doc.ticker.tick_size)} ${doc.ticker.quote ?? ""}, ${percent(doc.ticker.change)} in 24 h`, "muted")];
}

function parts(doc) {
  return [
    sentences(doc),
    facts(doc),
    doc.forecast && section("Forecast: how far, how likely", forecast(doc.forecast, doc.signal)),
    section("Timeframes, each alone", timeframes(doc)),
    section("Factors, and the points each adds to 50", factors(doc)),
    section("What would change the band", make("p", changed(doc.counterfactual))),
    doc.entry && section(`Entry, judged on ${doc.entry.timeframe}`, entry(doc.entry, doc.ticker)),
    notes(doc),
  ];
}

function section(name, ...content) {
  const element = make("section");
  element.append(make("h3", name), ...content);
  return element;
}

function sentences(doc) {
  const why = make("div", null, "why");
  why.append(...doc.why.map((sentence) => make("p", sentence)));
  return why;
}

function facts(doc) {
  const signal = doc.signal;
  return terms([
    ["Pressure", `${number(signal.score, 1)}, ${signal.band ?? "—"}`],
    ["Confidence", number(signal.confidence, 2)],
    ["Agreement", number(signal.agreement, 2)],
    ["Coverage", `${number(signal.coverage, 2)} of ${number(signal.attainable_coverage, 2)}`],
    ["Evidence", words(signal.evidence_class)],
    ["Consensus", number(signal.consensus, 2)],
    ["Alignment", number(doc.alignment, 2)],
    ["Regime", doc.regime?.regime ? words(doc.regime.regime.toLowerCase()) : "—"],
    ["Closed, UTC", minute(signal.timestamp)],
    ["Data", badge(signal.data_quality, QUALITY[signal.data_quality])],
  ], "cards");
}

// What is forecast of each horizon: the 80 % band of the close, and probabilities.
function forecast(found, signal) {
  const rows = found.horizons.map((ahead) => {
    const row = make("tr");
    row.append(
      make("td", ahead.horizon_min < 60 ? `${ahead.horizon_min}m` : `${ahead.horizon_min / 60}h`),
      make("td", ahead.volatility === null ? "—" : `${number(ahead.volatility, 2)} %`, "number"),
      make("td", ahead.cone === null ? "—" : `${percent(ahead.cone[1])} … ${percent(ahead.cone[4])}`, "number"),
      make("td", ahead.large_move === null ? "—" : `${share(ahead.large_move)} past ±${number(ahead.large_move_threshold, 2)} %`, "number"),
      make("td", share(ahead.beyond_up), "number"), make("td", share(ahead.beyond_down), "number"),
    );
    return row;
  });
  const columns = ["Ahead", "Volatility", "80 % band", "Large move", "Pays up", "Pays down"];
  const told = make("div");
  told.append(table("Forecast by horizon", columns, columns.slice(1), rows));
  const fit = found.version === null ? "" : `Fit ${found.version}, ${found.fit_days} days until ${found.fit_until.slice(0, 10)}. `;
  const cost = found.cost_bp === null ? "" : `A round trip costs ${number(found.cost_bp, 1)} bp. `;
  const large = found.horizons.some((ahead) => ahead.large_move !== null) ? "One move in five of its last seven days was large. " : "";
  told.append(make("p", whichWay(signal)), make("p", `${large}${cost}${fit}${found.reason ?? ""}`, "muted"));
  return told;
}

// A direction is told where it was earned; where not, that and why.
function whichWay(signal) {
  if (signal.signal === "BUY" || signal.signal === "SELL") return `Which way: ${signal.signal}, earned.`;
  if (signal.lean !== null) return `Which way: it leans ${signal.lean.side}${signal.lean.pays ? "" : ", which has not paid its costs"}.`;
  const edge = signal.reasons.find((reason) => reason.startsWith("no edge"));
  return `Which way: not earned${edge ? ` (${edge})` : ""}.`;
}

function timeframes(doc) {
  return terms(doc.timeframes.map((frame) => {
    const value = scored(frame.score, BAR, 1, "span");
    value.append(make("span", `weight ${number(frame.weight, 2)}`, "muted"));
    return [frame.timeframe, value];
  }), "rows frames");
}

// Bars of contributions share one scale, so that the longest counts most.
function factors(doc) {
  const list = make("div", null, "factors");
  const ranked = [...doc.factors].sort((one, other) => other.weight - one.weight);
  const scale = Math.max(LEAST_SCALE, ...ranked.map((factor) => Math.abs(factor.contribution)));
  for (const factor of ranked) list.append(drawFactor(factor, scale));
  return list;
}

function drawFactor(factor, scale) {
  const element = make("details", null, "factor");
  element.dataset.name = factor.name;
  const summary = make("summary");
  summary.append(make("span", words(factor.name), "name"));
  if (factor.score === null) {
    summary.append(make("span", factor.reason ?? "no data", "muted reason"));
  } else {
    summary.append(
      signedBar(factor.contribution / scale, BAR),
      make("span", `${number(factor.contribution, 1, true)} points`, `points ${direction(factor.contribution)}`),
      make("span", `score ${number(factor.score, 1)} · weight ${number(factor.effective_weight, 2)}`, "muted"),
    );
  }
  element.append(summary, components(factor), modifiers(factor) ?? "");
  return element;
}

// Points of the whole score: over all components they sum to the score less 50.
function components(factor) {
  const own = factor.components.reduce((sum, part) => sum + part.contribution, 0);
  const rows = factor.components.map((part) => {
    const row = make("tr");
    row.append(make("td", words(part.name)), make("td", part.timeframe ?? "all"));
    if (part.value === null) {
      const why = make("td", part.reason ?? "no data", "muted reason");
      why.colSpan = 5;
      row.append(why);
      return row;
    }
    const points = own === 0 ? 0 : (factor.contribution * part.contribution) / own;
    row.append(
      make("td", `${raw(part.raw)} ${part.unit}`, "number"), scored(part.score, 50), make("td", number(part.weight, 3), "number"),
      make("td", number(points, 2, true), `number ${direction(points)}`), make("td", minute(part.time), "muted"),
    );
    return row;
  });
  return table(`Components of ${words(factor.name)}`, ["Component", "On", "Raw", "Score", "Weight", "Points", "Closed, UTC"], ["Raw", "Weight", "Points"], rows);
}

function modifiers(factor) {
  if (factor.modifiers.length === 0) return null;
  const rows = factor.modifiers.map((part) => {
    const row = make("tr");
    row.append(make("td", words(part.name)), make("td", part.timeframe ?? "all"));
    if (part.value === null) {
      const why = make("td", part.reason ?? "no data", "muted reason");
      why.colSpan = 3;
      row.append(why);
    } else {
      row.append(make("td", `${raw(part.raw)} ${part.unit}`, "number"), make("td", `× ${number(part.value, 2)}`, "number"), make("td", words(part.scales)));
    }
    return row;
  });
  return table(`Modifiers of ${words(factor.name)}`, ["Modifier", "On", "Raw", "Factor", "Scales"], ["Raw", "Factor"], rows);
}

function changed(found) {
  if (!found) return "No change of one component alone would, all else equal.";
  const where = found.timeframe ? ` on ${found.timeframe}` : "";
  const way = found.needed > found.raw ? "above" : "below";
  return `${words(found.would_be)} at ${number(found.score, 1)}, were ${words(found.component, true)}${where} ${way} ${raw(found.needed)} ${found.unit} (now ${raw(found.raw)}), all else equal.`;
}

function entry(doc, ticker) {
  const priced = (level) => price(level, ticker.tick_size);
  const away = (level) => (level === null || !doc.price ? priced(level) : `${priced(level)} (${percent(100 * (level / doc.price - 1))})`);
  const side = make("span", `${doc.side} at ${priced(doc.price)}`, direction(doc.side === "long" ? 1 : -1));
  const cost = doc.slippage;
  const levels = doc.reason ? [["Levels", doc.reason]] : [
    ["Stop", `${away(doc.stop)}, by ${doc.basis}`],
    ["Wrong past", away(doc.invalidation)],
    ["Targets", doc.targets.map(away).join(" · ") || "—"],
    ["Reward/risk", `${number(doc.reward_risk, 2)} to the first target`],
    ["First touch", first(doc.chances)],
  ];
  const costs = [["buy", cost.buy_bp], ["sell", cost.sell_bp]].filter(([, bp]) => bp !== null).map(([way, bp]) => `${way} ${number(bp, 2)} bp`);
  const paid = [...costs, cost.reason].filter(Boolean).join(" · ");
  return terms([["Side", side], ...levels, [`Slippage of ${number(cost.size, 0)} ${ticker.quote ?? "quote units"}`, paid]], "rows");
}

function first(chances) {
  if (chances.stop_first === null) return chances.reason;
  const net = chances.net_bp === null ? "—" : `${number(chances.net_bp, 1)} bp`;
  return `stop ${share(chances.stop_first)} · target ${share(chances.target_first)} within ${chances.horizon_min} min · ${net} net without drift; no recommendation`;
}

function notes(doc) {
  const list = make("div", null, "notes muted");
  for (const line of doc.signal.reasons) list.append(make("p", line));
  if (doc.input_hash) list.append(make("p", `Computed from input ${doc.input_hash}`, "hash"));
  return list;
}

document.getElementById("close").addEventListener("click", () => dialog.close());
