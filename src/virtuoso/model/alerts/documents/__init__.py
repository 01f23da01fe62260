"""Documents about alerts, as the HTTP API has them. Times ISO 8601 in UTC; `null` means unknown or never.

The text below a field is its description in the OpenAPI document.
"""

from virtuoso.model.alerts.documents.added_rules import (
    AddedRuleItem,
    LeftOutRule,
    NewRule,
    added_rule_of,
    left_out_of,
)
from virtuoso.model.alerts.documents.deliveries import Deliveries, DeliveryItem, Nothing, delivery_of
from virtuoso.model.alerts.documents.incidents import (
    Alert,
    AlertDetail,
    AlertHistory,
    AlertOutcome,
    Decision,
    NearbyAlert,
    NewAcknowledgement,
    alert_of,
    detail_of,
)
from virtuoso.model.alerts.documents.making import (
    AlertPipeline,
    AlertRules,
    ChannelItem,
    PolicyItem,
    StageItem,
    channel_of,
)
from virtuoso.model.alerts.documents.performance import (
    AlertPerformance,
    Figure,
    HorizonPerformance,
    InterruptingItem,
    KindPerformance,
)
from virtuoso.model.alerts.documents.silences import NewSilence, SilenceItem, Silences, silence_of

__all__ = [
    "AddedRuleItem",
    "Alert",
    "AlertDetail",
    "AlertHistory",
    "AlertOutcome",
    "AlertPerformance",
    "AlertPipeline",
    "AlertRules",
    "ChannelItem",
    "Decision",
    "Deliveries",
    "DeliveryItem",
    "Figure",
    "HorizonPerformance",
    "InterruptingItem",
    "KindPerformance",
    "LeftOutRule",
    "NearbyAlert",
    "NewAcknowledgement",
    "NewRule",
    "NewSilence",
    "Nothing",
    "PolicyItem",
    "SilenceItem",
    "Silences",
    "StageItem",
    "added_rule_of",
    "alert_of",
    "channel_of",
    "delivery_of",
    "detail_of",
    "left_out_of",
    "silence_of",
]  # fmt: skip
