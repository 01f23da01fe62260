"""Documents about alerts, as the HTTP API has them. Times ISO 8601 in UTC; `null` means unknown or never.

The text below a field is its description in the OpenAPI document.
"""

from virtuoso.model.alerts.documents.deliveries import Deliveries, DeliveryRow, Nothing, delivery_of
from virtuoso.model.alerts.documents.incidents import (
    Alert,
    AlertDetail,
    AlertHistory,
    Decision,
    NewAcknowledgement,
    alert_of,
    detail_of,
)
from virtuoso.model.alerts.documents.making import (
    AlertPipeline,
    AlertRules,
    ChannelRow,
    PolicyRow,
    StageRow,
    channel_of,
)
from virtuoso.model.alerts.documents.performance import (
    AlertPerformance,
    Figure,
    HorizonPerformance,
    InterruptingRow,
    KindPerformance,
)
from virtuoso.model.alerts.documents.silences import NewSilence, SilenceRow, Silences, silence_of

__all__ = [
    "Alert", "AlertDetail", "AlertHistory", "AlertPerformance", "AlertPipeline", "AlertRules", "ChannelRow", "Decision",
    "Deliveries", "DeliveryRow", "Figure", "HorizonPerformance", "InterruptingRow", "KindPerformance",
    "NewAcknowledgement", "NewSilence", "Nothing", "PolicyRow", "SilenceRow", "Silences", "StageRow",
    "alert_of", "channel_of", "delivery_of", "detail_of", "silence_of",
]  # fmt: skip
