// The documents of the API by their names; `schema.ts` is made from Virtuoso's own OpenAPI document (`make types`).

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Alert = Schemas["Alert"];
export type AlertDetail = Schemas["AlertDetail"];
export type AlertHistory = Schemas["AlertHistory"];
export type AlertPerformance = Schemas["AlertPerformance"];
export type AlertPipeline = Schemas["AlertPipeline"];
export type AlertRules = Schemas["AlertRules"];
export type AlphaDocument = Schemas["AlphaDocument"];
export type BacktestedQuality = Schemas["BacktestedQuality"];
export type Bars = Schemas["Bars"];
export type Book = Schemas["Book"];
export type Cones = Schemas["Cones"];
export type Dashboard = Schemas["Dashboard"];
export type Depth = Schemas["Depth"];
export type DepthBlock = Schemas["DepthBlock"];
export type Forecast = Schemas["Forecast"];
export type MarketOverview = Schemas["MarketOverview"];
export type MonitoringHistory = Schemas["MonitoringHistory"];
export type Mover = Schemas["Mover"];
export type Problem = Schemas["Problem"];
export type Quality = Schemas["DataQuality"];
export type RegimeDocument = Schemas["RegimeDocument"];
export type SignalChange = Schemas["SignalChange"];
export type SignalDetail = Schemas["SignalDetail"];
export type SignalHistory = Schemas["SignalHistory"];
export type SessionDocument = Schemas["SessionDocument"];
export type SignalItem = Schemas["SignalItem"];
export type SignalPerformance = Schemas["SignalPerformance"];
export type SilenceItem = Schemas["SilenceItem"];
export type SilenceList = Schemas["Silences"];
export type Source = Schemas["DataSource"];
export type Status = Schemas["MonitoringStatus"];
export type SymbolDetail = Schemas["SymbolDetail"];
export type SymbolList = Schemas["SymbolList"];
export type SymbolItem = Schemas["SymbolItem"];
export type SymbolSeries = Schemas["SymbolSeries"];
export type Tape = Schemas["Tape"];
export type TopSignals = Schemas["TopSignals"];

/** The events of `/api/stream`, by name; those of a symbol only where a symbol was asked for. */
export interface Documents {
  overview: MarketOverview;
  signals: TopSignals;
  dashboard: Dashboard;
  alerts: Alert[];
  regime: RegimeDocument;
  status: Status;
  ticks: Schemas["Ticks"];
  symbol: SymbolDetail;
  book: Book;
  tape: Tape;
  depth: Depth;
}

export type DocumentName = keyof Documents;
