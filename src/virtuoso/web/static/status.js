"use strict";
// The live status page: whole documents arrive by server-sent events and are drawn as they come.
const $ = (id) => document.getElementById(id);
const svgNamespace = "http://www.w3.org/2000/svg";
const QUALITY = { live: "good", delayed: "warn", partial: "warn", stale: "bad", unavailable: "bad" };
const latest = {};

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function number(value, digits) {
  if (value === null || value === undefined) return "—";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function price(value) {
  if (value === null || value === undefined) return "—";
  const digits = value >= 1000 ? 1 : value >= 10 ? 2 : value >= 1 ? 3 : 5;
  return number(value, digits);
}

function compact(value) {
  return value === null ? "—" : Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

function percent(value, digits = 2) {
  return value === null || value === undefined ? "—" : `${value > 0 ? "+" : ""}${number(value, digits)} %`;
}

function direction(value) {
  return value > 0 ? "up" : value < 0 ? "down" : "";
}

function time(text) {
  return text ? `${text.slice(11, 19)} UTC` : "—";
}

// A score of 0–100 as a bar to the right (above 50) or to the left of the middle.
function scoreBar(score, width = 70) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("class", "bar");
  svg.setAttribute("width", width);
  svg.setAttribute("height", 10);
  svg.setAttribute("aria-hidden", "true");
  const add = (tag, attributes) => {
    const shape = document.createElementNS(svgNamespace, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  };
  add("rect", { class: "track", x: 0, y: 2, width, height: 6, rx: 3 });
  const length = (Math.min(50, Math.abs(score - 50)) / 50) * (width / 2);
  add("rect", { class: score >= 50 ? "plus" : "minus", x: score >= 50 ? width / 2 : width / 2 - length, y: 2, width: length, height: 6 });
  add("line", { class: "middle", x1: width / 2, x2: width / 2, y1: 0, y2: 10 });
  return svg;
}

function scoreCell(score, width) {
  const cell = make("td");
  if (score === null || score === undefined) {
    cell.append(make("span", "—", "muted"));
    cell.title = "no data; open the symbol for the reason";
  } else {
    cell.append(scoreBar(score, width), document.createTextNode(number(score, 1)));
  }
  return cell;
}

function badge(text, kind) {
  return make("span", text, `badge ${kind ?? ""}`);
}

function drawSource(source, quality) {
  $("source").hidden = !source || source === "live";
  if (source) {
    $("source").textContent = `${source.toUpperCase()}: not the live market`;
    $("source").className = "badge warn";
  }
  $("quality").textContent = `data ${quality}`;
  $("quality").className = `badge ${QUALITY[quality] ?? ""}`;
}

function drawOverview(doc) {
  drawSource(doc.data_source, doc.data_quality);
  const cards = [
    ["Regime", doc.regime, "regime"],
    ["Sentiment", doc.market_sentiment, "market_sentiment"],
    ["BTC", doc.btc_price === null ? null : price(doc.btc_price), "btc_price"],
    ["ETH", doc.eth_price === null ? null : price(doc.eth_price), "eth_price"],
    ["Average 24 h", doc.avg_market_change === null ? null : percent(doc.avg_market_change), "avg_market_change"],
    ["Up / down / flat", `${doc.breadth.advancing} / ${doc.breadth.declining} / ${doc.breadth.neutral}`, "breadth"],
    ["Trend strength", doc.trend_strength === null ? null : number(doc.trend_strength, 1), "trend_strength"],
    ["Momentum", doc.momentum_score === null ? null : number(doc.momentum_score, 1), "momentum_score"],
    ["Volatility a day", doc.volatility === null ? null : `${number(doc.volatility, 2)} %`, "volatility"],
    ["BTC share of turnover", doc.btc_dominance === null ? null : `${number(doc.btc_dominance, 1)} %`, "btc_dominance"],
    ["Turnover 24 h", doc.total_volume === null ? null : `${compact(doc.total_volume)} USDT`, "total_volume"],
  ];
  $("overview").replaceChildren(...cards.map(([name, value, field]) => {
    const card = make("div");
    const known = value !== null && value !== undefined;
    card.append(make("dt", name), make("dd", known ? value : doc.reasons[field] ?? "no data yet", known ? "" : "why"));
    return card;
  }));
}

function drawSignals(doc) {
  $("signals-time").textContent = `strongest first · ${time(doc.timestamp)}`;
  if (doc.signals.length === 0) {
    const cell = make("td", doc.reason ?? "nothing is watched yet", "muted");
    cell.colSpan = 10;
    const row = make("tr");
    row.append(cell);
    $("signals").replaceChildren(row);
    return;
  }
  $("signals").replaceChildren(...doc.signals.map((signal) => {
    const row = make("tr");
    row.dataset.symbol = signal.symbol;
    const symbol = make("td");
    const open = make("button", signal.symbol);
    open.type = "button";
    open.addEventListener("click", () => showDetail(signal.symbol));
    symbol.append(open);
    const label = make("td");
    label.append(make("span", signal.signal, `label ${signal.signal}`));
    const quality = make("td");
    quality.append(badge(signal.data_quality, QUALITY[signal.data_quality]));
    const current = make("td", price(signal.price), "number price");
    row.append(
      symbol, label, scoreCell(signal.score, 90), make("td", number(signal.confidence, 2), "number"), current,
      make("td", percent(signal.change), `number ${direction(signal.change)}`), scoreCell(signal.factors.order_book),
      scoreCell(signal.factors.volume), scoreCell(signal.factors.technical), quality,
    );
    return row;
  }));
  document.body.dataset.ready = "true";
}

function drawTicks(doc) {
  for (const tick of doc.ticks) {
    const cell = document.querySelector(`tr[data-symbol="${tick.symbol}"] .price`);
    if (cell && tick.price !== null) cell.textContent = price(tick.price);
  }
}

function drawAlerts(alerts) {
  if (alerts.length === 0) {
    $("alerts").replaceChildren(make("li", "none", "muted"));
    return;
  }
  $("alerts").replaceChildren(...alerts.slice(0, 50).map((alert) => {
    const item = make("li");
    const kind = alert.resolved ? "good" : { critical: "bad", warning: "warn" }[alert.level];
    item.append(badge(alert.resolved ? "resolved" : alert.level, kind), document.createTextNode(` ${alert.message} `),
      make("span", time(alert.timestamp) + (alert.resolved ? ` – ${time(alert.resolved_at)}` : ""), "muted"));
    return item;
  }));
}

function drawStatus(doc) {
  const cycle = doc.cycle;
  const total = cycle.stages.total;
  const lag = doc.loop_lag_ms;
  const connected = doc.feeds.filter((feed) => feed.connected).length;
  const rows = [
    ["Exchange", `${doc.exchange.name ?? "—"} ${doc.exchange.category ?? ""}`],
    ["State", doc.state],
    ["Cycles", `${cycle.count} · ${cycle.failures} failed · ${cycle.overruns} overrun`],
    ["Interval", cycle.interval_effective === null ? `${cycle.interval_configured} s` : `${number(cycle.interval_effective, 2)} s of ${cycle.interval_configured} s`],
    ["Cycle time p50 / p95", total ? `${number(total.p50, 1)} / ${number(total.p95, 1)} ms` : "—"],
    ["Last analysed close", time(cycle.last_close)],
    ["Topics connected", `${connected} of ${doc.feeds.length}`],
    ["REST budget", `${number(doc.rate_budget.available, 0)} of ${doc.rate_budget.capacity} in ${doc.rate_budget.window_s} s`],
    ["Event loop lag p95", lag ? `${number(lag.p95, 1)} ms` : "—"],
    ["Memory", doc.memory_mb === null ? "—" : `${number(doc.memory_mb, 0)} MB`],
    ["Up for", duration(doc.uptime_s)],
  ];
  $("state").textContent = doc.state === "running" ? `up ${duration(doc.uptime_s)}` : doc.state;
  $("system").replaceChildren(...rows.map(([name, value]) => {
    const row = make("div");
    row.append(make("dt", name), make("dd", value));
    return row;
  }));
}

function duration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  for (const [name, size] of units) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  return `${Math.floor(seconds)} s`;
}

async function showDetail(symbol) {
  const answer = await fetch(`/api/symbols/${encodeURIComponent(symbol)}`);
  const doc = await answer.json();
  $("detail-title").textContent = symbol;
  const body = $("detail-body");
  body.replaceChildren();
  if (!answer.ok) {
    body.append(make("p", doc.detail));
  } else {
    const lines = [...doc.signal.reasons];
    body.append(make("p", `Score ${number(doc.signal.score, 2)} · coverage ${number(doc.signal.coverage, 2)} · consensus ${number(doc.signal.consensus, 2)} · regime ${doc.regime?.regime ?? "—"}`));
    if (lines.length) body.append(make("p", lines.join(" · "), "muted"));
    for (const factor of doc.factors) body.append(drawFactor(factor));
  }
  if (!$("detail").open) $("detail").showModal();
}

function drawFactor(factor) {
  const section = make("section", null, "factor");
  const title = make("h3", `${factor.name.replace("_", " ")} ${factor.score === null ? `— ${factor.reason}` : number(factor.score, 1)} `);
  title.append(make("span", `weight ${number(factor.effective_weight, 3)}, ${factor.contribution >= 0 ? "+" : ""}${number(factor.contribution, 2)} points`, "muted"));
  const table = make("table");
  const head = make("tr");
  for (const name of ["Component", "Timeframe", "Raw", "Value", "Points"]) head.append(make("th", name));
  table.append(head);
  for (const part of factor.components) {
    const row = make("tr");
    row.append(make("td", part.name), make("td", part.timeframe ?? ""));
    if (part.value === null) {
      const why = make("td", part.reason, "muted");
      why.colSpan = 3;
      row.append(why);
    } else {
      row.append(make("td", `${Number(part.raw.toPrecision(5))} ${part.unit}`), make("td", number(part.value, 3), direction(part.value)), make("td", number(part.contribution, 3)));
    }
    table.append(row);
  }
  const scroll = make("div", null, "scroll");
  scroll.append(table);
  section.append(title, scroll);
  return section;
}

const DRAW = { overview: drawOverview, signals: drawSignals, alerts: drawAlerts, status: drawStatus, ticks: drawTicks };

function connect() {
  const events = new EventSource("/api/stream");
  events.onopen = () => { $("lost").hidden = true; };
  events.onerror = () => { $("lost").hidden = false; };
  for (const [name, draw] of Object.entries(DRAW)) {
    events.addEventListener(name, (event) => {
      latest[name] = JSON.parse(event.data);
      draw(latest[name]);
    });
  }
}

$("close").addEventListener("click", () => $("detail").close());
connect();
