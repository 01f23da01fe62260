// The live status page: whole documents arrive by server-sent events and are drawn as they come.
import { QUALITY, badge, compact, direction, label, make, moment, number, percent, price, scored, share, table, time, words } from "./draw.js";
import { followDetail, showDetail } from "./detail.js";

const $ = (id) => document.getElementById(id);
const ALPHA_S = 30;
const ALPHA_SOON_S = 3;
const CHANNELS_S = 5;
const OLD_S = 20;
const latest = {};

function drawSource(source, quality) {
  $("source").hidden = !source || source === "live";
  if (source) {
    $("source").textContent = `${source.toUpperCase()}: not the live market`;
    $("source").className = "badge warn";
  }
  $("quality").textContent = `data ${quality}`;
  $("quality").className = `badge ${QUALITY[quality] ?? ""}`;
}

// A document that was relabelled for its age: nobody publishes, or nothing gets through.
function drawAge(doc) {
  const age = (Date.now() - Date.parse(doc.timestamp)) / 1000;
  $("old").hidden = !(doc.data_quality === "stale" && age > OLD_S);
  $("old").textContent = `What is shown is of ${time(doc.timestamp)}, ${duration(age)} ago: the monitor or the shared cache is away.`;
}

// Both ends of the 80 % band of the market's return; null where it is not forecast.
function marketIn(forecast, minutes) {
  const cone = forecast?.horizons.find((each) => each.horizon_min === minutes)?.cone;
  return cone ? [cone[1], cone[4]] : null;
}

function drawOverview(doc) {
  drawSource(doc.data_source, doc.data_quality);
  drawAge(doc);
  const known = (value, say) => (value === null || value === undefined ? null : say(value));
  const cards = [
    ["Regime", known(doc.regime, (name) => words(name.toLowerCase())), "regime"],
    ["Sentiment", known(doc.market_sentiment, (name) => words(name.toLowerCase())), "market_sentiment"],
    ["BTC", known(doc.btc_price, price), "btc_price"],
    ["ETH", known(doc.eth_price, price), "eth_price"],
    ["Average 24 h", known(doc.avg_market_change, percent), "avg_market_change"],
    ["Up / down / flat", `${doc.breadth.advancing} / ${doc.breadth.declining} / ${doc.breadth.neutral}`, "breadth"],
    ["Above EMA-50", known(doc.above_ema50_pct, (share) => `${number(share, 0)} %`), "above_ema50_pct"],
    ["New highs / lows", known(doc.new_highs_24h, (highs) => `${highs} / ${doc.new_lows_24h}`), "new_highs_24h"],
    ["Trend strength", known(doc.trend_strength, (value) => number(value, 1)), "trend_strength"],
    ["Momentum", known(doc.momentum_score, (value) => number(value, 1)), "momentum_score"],
    ["Volatility a day", known(doc.volatility, (value) => `${number(value, 2)} %`), "volatility"],
    ["Usual volatility", known(doc.avg_volatility, (value) => `${number(value, 2)} %`), "avg_volatility"],
    ["Market in 1h, 80 %", known(marketIn(doc.forecast, 60), ([low, high]) => `${percent(low)} … ${percent(high)}`), "forecast"],
    ["Dispersion 24 h", known(doc.dispersion, (value) => `${number(value, 2)} %`), "dispersion"],
    ["Correlation to BTC", known(doc.avg_correlation_btc, (value) => number(value, 2)), "avg_correlation_btc"],
    ["BTC's turnover", known(doc.btc_dominance, (value) => `${number(value, 1)} %`), "btc_dominance"],
    ["Turnover 24 h", known(doc.total_volume, compact), "total_volume"],
  ];
  $("overview").replaceChildren(...cards.map(([name, value, field]) => {
    const card = make("div");
    const said = make("dd", value ?? doc.reasons[field] ?? "no data yet", value === null ? "why" : "");
    if (value === null) said.title = said.textContent;
    card.append(make("dt", name), said);
    return card;
  }));
}

// The factors in the order served, the heaviest first; the header follows them.
function drawHeader(factors) {
  const fixed = [["Symbol"], ["Signal"], ["Large in 1h", "number"], ["Pressure"], ["Confidence", "number"], ["Price", "number"], ["24 h", "number"]];
  const cells = [...fixed, ...factors.map((name) => [words(name).replace("Price structure", "Structure")]), ["Data"]].map(([name, kind]) => {
    const cell = make("th", name, kind);
    cell.scope = "col";
    return cell;
  });
  $("signals-head").replaceChildren(...cells);
}

function drawSignals(doc) {
  $("signals-time").textContent = time(doc.timestamp);
  $("signals-time").title = doc.order;
  if (doc.signals.length === 0) {
    const cell = make("td", doc.reason ?? "nothing is watched yet", "muted");
    cell.colSpan = 8;
    const row = make("tr");
    row.append(cell);
    $("signals").replaceChildren(row);
    return;
  }
  const factors = [...new Set(doc.signals.flatMap((signal) => Object.keys(signal.factors)))];
  drawHeader(factors);
  const focused = document.activeElement?.closest("#signals tr")?.dataset.symbol;
  $("signals").replaceChildren(...doc.signals.map((signal) => signalRow(signal, factors)));
  if (focused) document.querySelector(`#signals tr[data-symbol="${CSS.escape(focused)}"] button`)?.focus();
  document.body.dataset.ready = "true";
  followDetail(doc.signals);
}

function signalRow(signal, factors) {
  const row = make("tr");
  row.dataset.symbol = signal.symbol;
  const labelled = make("td");
  labelled.append(label(signal.signal, signal.reasons));
  const large = make("td", share(signal.large_move), "number");
  if (signal.large_move_base !== null) large.title = `of its own moves of the last seven days ${share(signal.large_move_base)} were as large`;
  const quality = make("td");
  quality.append(badge(signal.data_quality, QUALITY[signal.data_quality]));
  row.append(
    opener(signal.symbol), labelled, large, scored(signal.score, 48), make("td", number(signal.confidence, 2), "number"),
    priced(signal), make("td", percent(signal.change), `number ${direction(signal.change)}`),
    ...factors.map((name) => scored(signal.factors[name], 24, 0)), quality,
  );
  return row;
}

// A price in a cell that knows its tick, for the prices that follow by the stream.
function priced(signal) {
  const cell = make("td", price(signal.price, signal.tick_size), "number price");
  if (signal.tick_size !== null) cell.dataset.tick = signal.tick_size;
  return cell;
}

// A symbol's name in a cell, which opens its detail.
function opener(symbol) {
  const cell = make("td");
  const open = make("button", symbol);
  open.type = "button";
  open.setAttribute("aria-label", `${symbol}: open the reasons`);
  open.addEventListener("click", () => showDetail(symbol));
  cell.append(open);
  return cell;
}

function drawTicks(doc) {
  for (const tick of doc.ticks) {
    const cell = document.querySelector(`#signals tr[data-symbol="${CSS.escape(tick.symbol)}"] .price`);
    if (cell && tick.price !== null) cell.textContent = price(tick.price, cell.dataset.tick ? Number(cell.dataset.tick) : null);
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
      make("span", [time(alert.timestamp) + (alert.resolved ? ` – ${time(alert.resolved_at)}` : ""), ...said(alert)].join(" · "), "muted"));
    return item;
  }));
}

// What is known besides of an incident: who takes care of it, and why nobody was told.
function said(alert) {
  const found = [];
  if (alert.acknowledged) found.push(`acknowledged by ${alert.acknowledged_by ?? "somebody"}`);
  if (alert.held && !alert.resolved) found.push(`withheld: ${alert.held}`);
  return found;
}

function drawStatus(doc) {
  const cycle = doc.cycle;
  const total = cycle.stages.total;
  const lag = doc.loop_lag_ms;
  const connected = doc.feeds.filter((feed) => feed.connected).length;
  const rows = [
    ["Exchange", `${doc.exchange.name ?? "—"} ${doc.exchange.category ?? ""}`],
    ["State", doc.state],
    ["Health", [doc.health, ...doc.health_reasons].join(" · ")],
    ["Cycles", `${cycle.count} · ${cycle.failures} failed · ${cycle.overruns} overrun`],
    ["Interval", cycle.interval_effective === null ? `${cycle.interval_configured} s` : `${number(cycle.interval_effective, 2)} s of ${cycle.interval_configured} s`],
    ["Cycle time p50 / p95", total ? `${number(total.p50, 1)} / ${number(total.p95, 1)} ms` : "—"],
    ["Last analysed close", moment(cycle.last_close)],
    ["Topics connected", `${connected} of ${doc.feeds.length}`],
    ["REST budget", `${number(doc.rate_budget.available, 0)} of ${doc.rate_budget.capacity} in ${doc.rate_budget.window_s} s`],
    ["Event loop lag p95", lag ? `${number(lag.p95, 1)} ms` : "—"],
    ["Memory", doc.memory_mb === null ? "—" : `${number(doc.memory_mb, 0)} MB`],
    ["Up for", duration(doc.uptime_s)],
  ];
  drawStores(doc.stores);
  const wrong = doc.health === "healthy" ? "" : `${doc.health}: ${doc.health_reasons.join("; ")}`;
  $("state").textContent = doc.state === "running" ? wrong || `up ${duration(doc.uptime_s)}` : doc.state;
  $("system").replaceChildren(...rows.map(([name, value]) => {
    const row = make("div");
    row.append(make("dt", name), make("dd", value));
    return row;
  }));
}

const STORES = { up: "good", full: "warn", refusing: "warn", down: "bad" };

// Each store with how it is; what is wrong, or since when it is so, stands beside it.
function drawStores(stores) {
  const named = Object.entries(stores).filter(([, store]) => store?.state);
  const rows = named.map(([name, store]) => {
    const row = make("div");
    const said = make("dd");
    said.append(badge(store.state, STORES[store.state]));
    said.append(make("span", ` ${store.state === "up" ? kept(store) : store.error ?? "not tried yet"}`, "muted"));
    row.append(make("dt", words(name)), said);
    return row;
  });
  const lease = stores.lease;
  if (lease) {
    const row = make("div");
    const said = make("dd");
    said.append(badge(lease.may_publish ? "held" : "in doubt", lease.may_publish ? "good" : "warn"));
    said.append(make("span", ` ${lease.identity} by ${lease.holder}`, "muted"));
    row.append(make("dt", "Lease"), said);
    rows.push(row);
  }
  $("stores").replaceChildren(...rows);
}

const CHANNELS = { up: "good", limited: "warn", down: "bad", disabled: "bad" };

// Each channel with how it is: what waits, what nobody will get, what is wrong.
function drawChannels(doc) {
  $("channels-section").hidden = doc.channels.length === 0;
  $("channels").replaceChildren(...doc.channels.map((channel) => {
    const row = make("div");
    const told = make("dd");
    const counts = [`${compact(channel.counters.sent ?? 0)} sent`];
    if (channel.waiting) counts.push(`${compact(channel.waiting)} wait`);
    if (channel.dead) counts.push(`${compact(channel.dead)} dead`);
    told.append(badge(channel.state, CHANNELS[channel.state]));
    told.append(make("span", ` ${[...counts, ...(channel.error ? [channel.error] : [])].join(" · ")}`, "muted"));
    row.append(make("dt", words(channel.name)), told);
    return row;
  }));
}

function kept(store) {
  if (store.spooled) return `${compact(store.spooled)} points wait for the server`;
  const found = [["documents", "documents"], ["written", "written"], ["calls", "calls"]].find(([key]) => store[key] !== undefined);
  const size = store.bytes ? `, ${compact(store.bytes)}B` : "";
  return found ? `${compact(store[found[0]])} ${found[1]}${size}` : "";
}

function duration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  for (const [name, size] of units) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  return `${Math.floor(seconds)} s`;
}

const PATTERNS = { correlation_breakdown: "correlation", beta_expansion: "beta", alpha_breakout: "alpha, % a day" };

// What the scan for patterns against the benchmark found; the section stays away where nothing scans.
function drawAlpha(doc) {
  $("alpha-section").hidden = false;
  $("alpha-time").textContent = doc.benchmark ? `against ${doc.benchmark} · ${time(doc.timestamp)}` : "";
  const found = doc.rows.flatMap((row) => row.tests.filter((test) => test.found).map((test) => ({ row, test })));
  if (found.length === 0) {
    const rate = doc.false_discovery_rate === null ? "" : `, at a false-discovery rate of ${number(100 * doc.false_discovery_rate, 1)} %`;
    $("alpha").replaceChildren(make("p", doc.reason ?? `nothing stands out in ${doc.tests} tests${rate}`, "muted"));
    return;
  }
  $("alpha").replaceChildren(table("Alpha patterns", ["Symbol", "On", "Pattern", "Change", "Beta", "Correlation", "q"], ["Change", "Beta", "Correlation", "q"],
    found.map(({ row, test }) => {
      const line = make("tr");
      line.append(
        opener(row.symbol), make("td", row.timeframe), make("td", words(test.pattern)),
        make("td", `${number(test.effect, 2, true)} ${PATTERNS[test.pattern] ?? ""}`, `number ${direction(test.effect)}`),
        make("td", moved(row.long.beta, row.recent.beta), "number"), make("td", moved(row.long.correlation, row.recent.correlation), "number"),
        make("td", test.q < 0.0001 ? "< 0.0001" : number(test.q, 4), "number"),
      );
      return line;
    })));
}

function moved(before, now) {
  return `${number(before, 2)} → ${number(now, 2)}`;
}

// The first scan comes seconds after the first page.
async function followAlpha() {
  let scanned = false;
  try {
    const answer = await fetch("/api/alpha");
    if (answer.ok) {
      const doc = await answer.json();
      scanned = doc.tests > 0;
      drawAlpha(doc);
    }
  } catch {
    // the stream says that the connection is lost
  }
  setTimeout(followAlpha, (scanned ? ALPHA_S : ALPHA_SOON_S) * 1000);
}

async function followChannels() {
  try {
    const answer = await fetch("/api/alerts/pipeline");
    if (answer.ok) drawChannels(await answer.json());
  } catch {
    // the stream says that the connection is lost
  }
  setTimeout(followChannels, CHANNELS_S * 1000);
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

connect();
followAlpha();
followChannels();
setInterval(() => { if (latest.overview) drawAge(latest.overview); }, 2000);
