"""What figures are made of: a narrow row for each call that has ended."""

from sqlalchemy import Column, Float, ForeignKey, Integer, String, Table

from .columns import ID_CHARS, METADATA, flag, id_of, ref, wall, whole, words

CALL_FIGURES = Table(
    "call_figures",
    METADATA,
    Column("call_seq", Integer, primary_key=True, autoincrement=False),
    Column(
        "call_id",
        String(ID_CHARS),
        ForeignKey("calls.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    ref("owner_id", "accounts"),
    # Grows with every change: whoever keeps a copy asks for what is beyond the last one.
    whole("version", unique=True),
    wall("created_wall", null=False),
    wall("begun_wall", null=False),
    flag("inbound"),
    words("line"),
    id_of("agent_id"),
    words("agent_name"),
    id_of("campaign_id"),
    words("outcome"),
    words("cause"),
    Column("duration_s", Float(53)),
    flag("voicemail", null=True),
    whole("retry_attempt"),
    whole("original_seq", null=True),
    words("currency"),
    Column("cost_stt", Float(53)),
    Column("cost_llm", Float(53)),
    Column("cost_tts", Float(53)),
    Column("cost_carrier", Float(53)),
    flag("analysed"),
    words("sentiment", null=True),
    Column("sentiment_score", Float(53)),
    Column("qa_score", Float(53)),
    whole("escalations"),
    whole("taken_over"),
    # Lists as plain text: they are read by the million.
    words("gaps"),
    words("phrases"),
)
