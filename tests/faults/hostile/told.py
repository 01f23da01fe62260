"""The kinds of incident that tell of a faulty exchange."""

REFUSED = "refused_frames"
REST_DOWN = "rest_down"
DOUBTED = "list_doubted"
TOPIC_REFUSED = "topic_refused"
RESTARTED = "history_restarted"
