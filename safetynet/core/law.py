"""On what statutory basis video may be asked for, how far it reaches, and what else can be done where there is none.

One table, each line with its article. The control centre reads it by wearer class and kind of alarm (`basis`); a
city, which must never learn the class, reads the other side of the same table by basis and kind (`limits`).

The table follows the Electronic Device Attachment Act (전자장치부착법, Act No. 21614) as an engineer reads it. A lawyer
must confirm each line before anyone relies on it.

Absent on purpose: any way to type a reason. The purpose comes from the machine's event, never from a person's words.
"""

import re
from dataclasses import dataclass
from typing import Final

from safetynet.core.terms import AlarmKind, Basis, FootageBasis, WearerClass, Why

TABLE_VERSION: Final = 4
"""Counts the wordings of `TABLE`: whoever changes a line raises it, and sets `WORDED_ON` to the day."""
WORDED_ON: Final = "2026-11-24"
ACT_KO: Final = "전자장치 부착 등에 관한 법률(법률 제21614호, 2026-05-12 시행)"
ACT_EN: Final = "Electronic Device Attachment Act (Act No. 21614, in force 2026-05-12)"
REVIEWED_BY: Final[str | None] = None
"""The lawyer who confirmed the table; None: nobody has, and every screen and print of it says so."""

RADIUS_M_MAX: Final = 1_000
"""About the place of the event: nothing farther away is urgent for this incident."""
INCIDENT_CAMERAS_MAX: Final = 16
"""For one incident in one city, all grants together: more pictures than two people can watch are no necessity."""
MINUTES_MAX: Final = 30
"""Of one grant. Longer needs to be asked for again, with the facts of then (design target of domain.md section 7)."""

CONDITIONS: Final = ("no_recording", "no_onward_sharing", "no_audio")
"""Demanded of the receiver with every grant (PIPA 18(5)); sound is never provided (PIPA 25(5))."""

SWIFT_SUPERVISION: Final = "swift_supervision"
"""신속한 지도·감독: the purpose for which Art. 16-3(2) opens video, and the only one here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a basis reaches. `conditions` are words; the receiver must keep them."""

    radius_m_max: int
    cameras_max: int
    minutes_max: int
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Video may be asked for, on these articles and inside these limits."""

    basis: Basis
    article_ko: str
    article_en: str
    purpose: str
    radius_m_max: int = RADIUS_M_MAX
    cameras_max: int = INCIDENT_CAMERAS_MAX
    minutes_max: int = MINUTES_MAX
    conditions: tuple[str, ...] = CONDITIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Another lawful way when this one is closed. `word` is for the page to translate."""

    word: str
    article_ko: str
    article_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoBasis:
    """Video may not be asked for. The articles say what was read; the routes what remains possible."""

    why: Why
    article_ko: str
    article_en: str
    other_routes: tuple[Route, ...]


_URGENT_LIFE: Final = Route(
    word="urgent_life_by_supervisor",
    article_ko="개인정보 보호법 제18조 제2항 제3호",
    article_en="PIPA Art. 18(2) no. 3",
)
"""Clearly urgent danger to life, body or property: only on a supervisor's recorded decision, which this release has
no form for. So it is named as a route and opens nothing."""
_POLICE_INVESTIGATION: Final = Route(
    word="police_investigation",
    article_ko="개인정보 보호법 제18조 제2항 제7호",
    article_en="PIPA Art. 18(2) no. 7",
)
_BAIL_COOPERATION: Final = Route(
    word="bail_cooperation",
    article_ko="전자장치부착법 제31조의3 제3항, 같은 법 시행령 제23조의5 제4항",
    article_en="Electronic Device Attachment Act Art. 31-3(3), Decree Art. 23-5(4)",
)
_STALKING_POLICE_NOTICE: Final = Route(
    word="stalking_police_notice",
    article_ko="전자장치부착법 제31조의6 제4항, 같은 법 시행령 제23조의14",
    article_en="Electronic Device Attachment Act Art. 31-6(4), Decree Art. 23-14",
)
_ALARM_OF_ITS_OWN: Final = Route(
    word="alarm_of_a_statutory_kind",
    article_ko="전자장치부착법 제16조의3 제2항",
    article_en="Electronic Device Attachment Act Art. 16-3(2)",
)


def _device_duty(*, by_ko: str = "", by_en: str = "") -> Rule:
    return Rule(
        basis=Basis.DEVICE_DUTY,
        article_ko=f"전자장치부착법 {by_ko}제16조의3 제2항, 제14조 제1항",
        article_en=f"Electronic Device Attachment Act Art. 16-3(2), 14(1){by_en}",
        purpose=SWIFT_SUPERVISION,
    )


def _exclusion_zone(*, by_ko: str = "", by_en: str = "") -> Rule:
    return Rule(
        basis=Basis.EXCLUSION_ZONE,
        article_ko=f"전자장치부착법 {by_ko}제16조의3 제2항, 제9조의2 제1항 제2호",
        article_en=f"Electronic Device Attachment Act Art. 16-3(2), 9-2(1) no. 2{by_en}",
        purpose=SWIFT_SUPERVISION,
    )


def _curfew(*, by_ko: str = "", by_en: str = "") -> Rule:
    return Rule(
        basis=Basis.CURFEW,
        article_ko=f"전자장치부착법 {by_ko}제16조의3 제2항, 제9조의2 제1항 제1호",
        article_en=f"Electronic Device Attachment Act Art. 16-3(2), 9-2(1) no. 1{by_en}",
        purpose=SWIFT_SUPERVISION,
    )


def _no_approach(*, by_ko: str = "", by_en: str = "") -> Rule:
    return Rule(
        basis=Basis.NO_APPROACH,
        article_ko=f"전자장치부착법 {by_ko}제16조의3 제2항, 제9조의2 제1항 제3호",
        article_en=f"Electronic Device Attachment Act Art. 16-3(2), 9-2(1) no. 3{by_en}",
        purpose=SWIFT_SUPERVISION,
    )


def _residence(*, by_ko: str = "", by_en: str = "") -> Rule:
    return Rule(
        basis=Basis.RESIDENCE,
        article_ko=f"전자장치부착법 {by_ko}제16조의3 제2항, 제9조의2 제1항 제2호의2",
        article_en=f"Electronic Device Attachment Act Art. 16-3(2), 9-2(1) no. 2-2{by_en}",
        purpose=SWIFT_SUPERVISION,
    )


def _attendance() -> NoBasis:
    """Art. 16-3(2) names nos. 1, 2, 2-2, 3 and 5 of Art. 9-2(1); treatment (4) and what else was ordered (6) never open video."""
    return NoBasis(
        why=Why.NO_BASIS,
        article_ko="전자장치부착법 제16조의3 제2항: 제9조의2 제1항 제4호·제6호(치료 프로그램, 그 밖의 준수사항)는 영상 제공 사유가 아님",
        article_en="Electronic Device Attachment Act Art. 16-3(2): Art. 9-2(1) nos. 4 and 6 (treatment, other conditions) open no video",
        other_routes=(_ALARM_OF_ITS_OWN, _URGENT_LIFE),
    )


def _planned_removal() -> NoBasis:
    """What was approved breaks no duty. Once the permit is over an open strap is a tamper, with a basis of its own."""
    return NoBasis(
        why=Why.NO_BASIS,
        article_ko="전자장치부착법 시행령 제10조: 승인된 일시분리는 제14조 제1항 위반이 아님",
        article_en="Electronic Device Attachment Act Decree Art. 10: an approved removal is no breach of Art. 14(1)",
        other_routes=(_ALARM_OF_ITS_OWN, _URGENT_LIFE),
    )


def _no_breach() -> NoBasis:
    """Nearness that no court forbade, and a phone that is silent, are no suspected breach by the wearer."""
    return NoBasis(
        why=Why.NO_BASIS,
        article_ko="전자장치부착법 제16조의3 제2항: 준수사항 위반이나 위반 의심이 아님",
        article_en="Electronic Device Attachment Act Art. 16-3(2): no breach of a condition and no suspicion of one",
        other_routes=(_ALARM_OF_ITS_OWN, _URGENT_LIFE),
    )


def _bail() -> NoBasis:
    """Chapter 5 does not apply Art. 16-3 to bail."""
    return NoBasis(
        why=Why.NO_BASIS,
        article_ko="전자장치부착법 제5장(전자보석): 제16조의3 준용 규정 없음",
        article_en="Electronic Device Attachment Act ch. 5 (bail): Art. 16-3 is not applied",
        other_routes=(_BAIL_COOPERATION, _POLICE_INVESTIGATION, _URGENT_LIFE),
    )


def _stalking() -> NoBasis:
    """Chapter 5-2 does not apply Art. 16-3 to interim measures; police are told and respond (31-6(4), (5))."""
    return NoBasis(
        why=Why.NO_BASIS,
        article_ko="전자장치부착법 제5장의2(스토킹 잠정조치): 제16조의3 준용 규정 없음",
        article_en="Electronic Device Attachment Act ch. 5-2 (stalking interim measure): Art. 16-3 is not applied",
        other_routes=(_STALKING_POLICE_NOTICE, _POLICE_INVESTIGATION, _URGENT_LIFE),
    )


def _sos() -> NoBasis:
    """A call for help is no suspected breach by the wearer; it opens video only with an alarm that is."""
    return NoBasis(
        why=Why.NO_BASIS,
        article_ko="전자장치부착법 제16조의3 제2항: 긴급호출은 준수사항 위반이 아님",
        article_en="Electronic Device Attachment Act Art. 16-3(2): a call for help is no breach of a condition",
        other_routes=(_ALARM_OF_ITS_OWN, _POLICE_INVESTIGATION, _URGENT_LIFE),
    )


_PAROLE_KO: Final = "제27조에 따라 준용되는 "
_PAROLE_EN: Final = ", applied by Art. 27"
_SUSPENDED_KO: Final = "제31조에 따라 준용되는 "
_SUSPENDED_EN: Final = ", applied by Art. 31"

TABLE: Final[dict[tuple[WearerClass, AlarmKind], Rule | NoBasis]] = {
    (WearerClass.ORDER, AlarmKind.STRAP_CUT): _device_duty(),
    (WearerClass.ORDER, AlarmKind.BODY_TAMPER): _device_duty(),
    (WearerClass.ORDER, AlarmKind.EXCLUSION_ZONE): _exclusion_zone(),
    (WearerClass.ORDER, AlarmKind.CURFEW): _curfew(),
    (WearerClass.ORDER, AlarmKind.APPROACH_100): _no_approach(),
    (WearerClass.ORDER, AlarmKind.APPROACH_1K): _no_approach(),
    (WearerClass.ORDER, AlarmKind.PROTECTED_SOS): _no_approach(),
    (WearerClass.ORDER, AlarmKind.APPROACH_2K): _no_breach(),
    (WearerClass.ORDER, AlarmKind.PROTECTED_LOST): _no_breach(),
    (WearerClass.ORDER, AlarmKind.SOS): _sos(),
    (WearerClass.ORDER, AlarmKind.COMM_LOST): _no_breach(),
    (WearerClass.ORDER, AlarmKind.GPS_LOST): _no_breach(),
    (WearerClass.ORDER, AlarmKind.BATTERY_LOW): _no_breach(),
    (WearerClass.ORDER, AlarmKind.SCHOOL_HOURS): _curfew(),
    (WearerClass.ORDER, AlarmKind.RESIDENCE): _residence(),
    (WearerClass.ORDER, AlarmKind.ATTENDANCE): _attendance(),
    (WearerClass.ORDER, AlarmKind.PLANNED_REMOVAL): _planned_removal(),
    (WearerClass.ORDER, AlarmKind.JAMMING): _device_duty(),
    (WearerClass.ORDER, AlarmKind.SEPARATION): _device_duty(),
    (WearerClass.PAROLE, AlarmKind.STRAP_CUT): _device_duty(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.BODY_TAMPER): _device_duty(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.EXCLUSION_ZONE): _exclusion_zone(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.CURFEW): _curfew(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.APPROACH_100): _no_approach(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.APPROACH_1K): _no_approach(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.PROTECTED_SOS): _no_approach(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.APPROACH_2K): _no_breach(),
    (WearerClass.PAROLE, AlarmKind.PROTECTED_LOST): _no_breach(),
    (WearerClass.PAROLE, AlarmKind.SOS): _sos(),
    (WearerClass.PAROLE, AlarmKind.COMM_LOST): _no_breach(),
    (WearerClass.PAROLE, AlarmKind.GPS_LOST): _no_breach(),
    (WearerClass.PAROLE, AlarmKind.BATTERY_LOW): _no_breach(),
    (WearerClass.PAROLE, AlarmKind.SCHOOL_HOURS): _curfew(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.RESIDENCE): _residence(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.ATTENDANCE): _attendance(),
    (WearerClass.PAROLE, AlarmKind.PLANNED_REMOVAL): _planned_removal(),
    (WearerClass.PAROLE, AlarmKind.JAMMING): _device_duty(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.PAROLE, AlarmKind.SEPARATION): _device_duty(by_ko=_PAROLE_KO, by_en=_PAROLE_EN),
    (WearerClass.SUSPENDED, AlarmKind.STRAP_CUT): _device_duty(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.BODY_TAMPER): _device_duty(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.EXCLUSION_ZONE): _exclusion_zone(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.CURFEW): _curfew(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.APPROACH_100): _no_approach(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.APPROACH_1K): _no_approach(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.PROTECTED_SOS): _no_approach(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.APPROACH_2K): _no_breach(),
    (WearerClass.SUSPENDED, AlarmKind.PROTECTED_LOST): _no_breach(),
    (WearerClass.SUSPENDED, AlarmKind.SOS): _sos(),
    (WearerClass.SUSPENDED, AlarmKind.COMM_LOST): _no_breach(),
    (WearerClass.SUSPENDED, AlarmKind.GPS_LOST): _no_breach(),
    (WearerClass.SUSPENDED, AlarmKind.BATTERY_LOW): _no_breach(),
    (WearerClass.SUSPENDED, AlarmKind.SCHOOL_HOURS): _curfew(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.RESIDENCE): _residence(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.ATTENDANCE): _attendance(),
    (WearerClass.SUSPENDED, AlarmKind.PLANNED_REMOVAL): _planned_removal(),
    (WearerClass.SUSPENDED, AlarmKind.JAMMING): _device_duty(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.SUSPENDED, AlarmKind.SEPARATION): _device_duty(by_ko=_SUSPENDED_KO, by_en=_SUSPENDED_EN),
    (WearerClass.BAIL, AlarmKind.STRAP_CUT): _bail(),
    (WearerClass.BAIL, AlarmKind.BODY_TAMPER): _bail(),
    (WearerClass.BAIL, AlarmKind.EXCLUSION_ZONE): _bail(),
    (WearerClass.BAIL, AlarmKind.CURFEW): _bail(),
    (WearerClass.BAIL, AlarmKind.APPROACH_100): _bail(),
    (WearerClass.BAIL, AlarmKind.APPROACH_1K): _bail(),
    (WearerClass.BAIL, AlarmKind.APPROACH_2K): _bail(),
    (WearerClass.BAIL, AlarmKind.PROTECTED_SOS): _bail(),
    (WearerClass.BAIL, AlarmKind.PROTECTED_LOST): _bail(),
    (WearerClass.BAIL, AlarmKind.SOS): _bail(),
    (WearerClass.BAIL, AlarmKind.COMM_LOST): _bail(),
    (WearerClass.BAIL, AlarmKind.GPS_LOST): _bail(),
    (WearerClass.BAIL, AlarmKind.BATTERY_LOW): _bail(),
    (WearerClass.BAIL, AlarmKind.SCHOOL_HOURS): _bail(),
    (WearerClass.BAIL, AlarmKind.RESIDENCE): _bail(),
    (WearerClass.BAIL, AlarmKind.ATTENDANCE): _bail(),
    (WearerClass.BAIL, AlarmKind.PLANNED_REMOVAL): _bail(),
    (WearerClass.BAIL, AlarmKind.JAMMING): _bail(),
    (WearerClass.BAIL, AlarmKind.SEPARATION): _bail(),
    (WearerClass.STALKING_INTERIM, AlarmKind.STRAP_CUT): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.BODY_TAMPER): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.EXCLUSION_ZONE): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.CURFEW): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.APPROACH_100): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.APPROACH_1K): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.APPROACH_2K): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.PROTECTED_SOS): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.PROTECTED_LOST): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.SOS): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.COMM_LOST): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.GPS_LOST): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.BATTERY_LOW): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.SCHOOL_HOURS): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.RESIDENCE): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.ATTENDANCE): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.PLANNED_REMOVAL): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.JAMMING): _stalking(),
    (WearerClass.STALKING_INTERIM, AlarmKind.SEPARATION): _stalking(),
}


def basis(wearer_class: WearerClass, kind: AlarmKind) -> Rule | NoBasis:
    """What the control centre may ask for, for this person and this event. Total: every pair has its line."""
    return TABLE[wearer_class, kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """On what ground an officer who was sent sees one picture on his telephone, and under which conditions."""

    kinds: frozenset[str]
    """Units of the receiving authority itself. Police are another organisation: what they see they ask a city for."""
    article_ko: str
    article_en: str
    conditions: tuple[str, ...]


FIELD: Final = Field(
    kinds=frozenset({"office", "rapid"}),
    article_ko="전자장치부착법 제16조의3 제2항(신속한 지도·감독), 개인정보 보호법 제18조 제5항",
    article_en="Electronic Device Attachment Act Art. 16-3(2) (swift supervision), PIPA Art. 18(5)",
    conditions=(*CONDITIONS, "one_picture", "end_with_order"),
)
"""The line for officers. The control centre received the pictures so that the wearer be supervised swiftly; the
probation officer under an order to go is the one who does it, of the same authority. So this is use for the purpose of
the provision and no further provision to somebody else; it reaches no farther than the grant, one picture at a time,
and ends with the order, the grant or the incident."""


def officer_sees(kind: str) -> Field | None:
    """What a unit of this kind may be shown under its order; None: it is no unit of the receiving authority."""
    return FIELD if kind in FIELD.kinds else None


def _limits_by_basis() -> dict[tuple[Basis, AlarmKind], Limits]:
    """The city's side: no class, so where classes differed the narrowest would count."""
    found: dict[tuple[Basis, AlarmKind], Limits] = {}
    for (_, kind), line in TABLE.items():
        if isinstance(line, NoBasis):
            continue
        known = found.get((line.basis, kind))
        found[line.basis, kind] = Limits(
            radius_m_max=min(line.radius_m_max, known.radius_m_max if known else RADIUS_M_MAX),
            cameras_max=min(line.cameras_max, known.cameras_max if known else INCIDENT_CAMERAS_MAX),
            minutes_max=min(line.minutes_max, known.minutes_max if known else MINUTES_MAX),
            conditions=tuple(sorted({*line.conditions, *(known.conditions if known else ())}, key=CONDITIONS.index)),
        )
    return found


_LIMITS: Final = _limits_by_basis()


def limits(basis: Basis, kind: AlarmKind) -> Limits | None:
    """What a city checks on its own: how far this basis reaches for this kind of event, or None: it does not cover it."""
    return _LIMITS.get((basis, kind))


# --- what a protected person may be told ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:
    """A protected person may be told of a (likely) breach, on these articles; `direction`: also from which side."""

    article_ko: str
    article_en: str
    direction: bool


_NEAR: Final = frozenset({AlarmKind.APPROACH_100, AlarmKind.APPROACH_1K})


def warning(wearer_class: WearerClass, kind: AlarmKind) -> Warning | NoBasis:
    """Act 15-2 with 16(2) no. 5, for stalking 31-8(2) no. 5: inside 1 km with the direction, further out in words alone.

    For bail no such article was found: the police, who are told in any case, warn on their own.
    """
    if wearer_class is WearerClass.BAIL:
        return _bail()
    article = (
        ("제31조의8 제2항 제5호", "31-8(2) no. 5")
        if wearer_class is WearerClass.STALKING_INTERIM
        else (
            "제15조의2, 제16조 제2항 제5호",
            "15-2, 16(2) no. 5",
        )
    )
    return Warning(
        article_ko=f"전자장치부착법 {article[0]}",
        article_en=f"Electronic Device Attachment Act Art. {article[1]}",
        direction=kind in _NEAR,
    )


TOLD_AT_ONCE: Final = _NEAR | {AlarmKind.PROTECTED_SOS, AlarmKind.PROTECTED_LOST}
"""The police are told without waiting for a person (Act 31-6(4), Decree 23-14, 23-12(3)); no choice is left to anybody."""
PLACE_SHARED: Final = frozenset({AlarmKind.APPROACH_100, AlarmKind.PROTECTED_SOS, AlarmKind.PROTECTED_LOST})
"""The police are then also told where the protected person is: they go there. Nobody else ever is."""


# --- past footage --------------------------------------------------------------------------------------------------

DOCUMENT: Final = re.compile(r"[0-9A-Za-z가-힣\-]{4,40}")
"""Number of a court's permission or of an official letter, such as 2026영장1234: no sentence, no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What a recorder holds may be asked for, on these articles. `document`: only with the number of a letter or permit."""

    basis: FootageBasis
    article_ko: str
    article_en: str
    document: bool
    while_open: bool
    """Only as long as the incident is open."""


FOOTAGE: Final[dict[FootageBasis, Footage]] = {
    FootageBasis.URGENT: Footage(
        basis=FootageBasis.URGENT,
        article_ko="전자장치부착법 제16조의3 제2항",
        article_en="Electronic Device Attachment Act Art. 16-3(2)",
        document=False,
        while_open=True,
    ),
    FootageBasis.INVESTIGATION: Footage(
        basis=FootageBasis.INVESTIGATION,
        article_ko="개인정보 보호법 제18조 제2항 제7호, 전자장치부착법 제16조 제2항 제4호",
        article_en="PIPA Art. 18(2) no. 7, Electronic Device Attachment Act Art. 16(2) no. 4",
        document=True,
        while_open=False,
    ),
    FootageBasis.TRIAL: Footage(
        basis=FootageBasis.TRIAL,
        article_ko="개인정보 보호법 제18조 제2항 제8호, 전자장치부착법 제16조 제2항 제1호",
        article_en="PIPA Art. 18(2) no. 8, Electronic Device Attachment Act Art. 16(2) no. 1",
        document=True,
        while_open=False,
    ),
}
"""Art. 16-3(2) opens video that is urgently needed for swift supervision. Once the incident is closed nothing is urgent
any more: what is asked for then needs another ground, and a paper that names it. A live grant never reaches backwards."""
FOOTAGE_CONDITIONS: Final = ("no_copying", "no_onward_sharing", "no_audio", "delete_in_time")
FOOTAGE_CAMERAS_MAX: Final = 4
"""Of one request."""
FOOTAGE_MINUTES_MAX: Final = 10
FOOTAGE_MARGIN_MINUTES: Final = 30
"""How far before its first alarm and behind its closing an incident still reaches."""
FOOTAGE_AGE_DAYS_MAX: Final = 30
"""Cities overwrite what is older (보관일수)."""
FOOTAGE_KEPT_DAYS: Final = 14
"""Of a file that was received, and of each extension; copies are limited so in practice (domain.md 1.2)."""
FOOTAGE_EXTENSIONS_MAX: Final = 4

_OWN_OFFENCES: Final = frozenset({WearerClass.ORDER, WearerClass.PAROLE, WearerClass.SUSPENDED})
"""Whose breaches the probation chief investigates; of others the police do, who ask a city on their own."""


def footage(basis_: FootageBasis, wearer_class: WearerClass, kind: AlarmKind) -> Footage | NoBasis:
    """Whether past footage may be asked for on this basis, for this person and this event."""
    live = basis(wearer_class, kind)
    match basis_:
        case FootageBasis.URGENT if isinstance(live, NoBasis):
            return live
        case FootageBasis.INVESTIGATION if wearer_class not in _OWN_OFFENCES:
            return _bail() if wearer_class is WearerClass.BAIL else _stalking()
        case _:
            return FOOTAGE[basis_]
