"""What centres say to each other: typed, versioned, each in its own direction.

Absent on purpose: a wearer's name, class, offence or order. A city and a police room know an incident by its
pseudonym, the kind of event, the basis and the place, and nothing else. A message imports only events and terms, so
that a gateway that decodes, checks and re-serialises needs no other room.
"""

from enum import Enum
from typing import Final, TypeAlias

import msgspec

from safetynet.core.events import CameraCard, Place
from safetynet.core.terms import (
    AlarmKind,
    Basis,
    CameraId,
    CentreId,
    FixId,
    FootageBasis,
    FootageId,
    GrantId,
    Heading,
    IncidentId,
    Instant,
    NoticeId,
    NoticeState,
    RequestId,
    Sight,
    Travel,
    Why,
)

VERSION: Final = 1
SIZE_BYTES_MAX: Final = 65_536
"""Of one encoded message. Longer is a violation of the framing: the link is dropped."""


ID_CHARS_MAX: Final = 128
"""Of whatever names something in a message. An answer repeats the names of its question and must itself fit."""
NUMBER_MAX: Final = 2**53 - 1
"""Of epochs and numbers on a road: what every store and every page can hold."""


class Role(Enum):
    """What an organisation is on the road between centres."""

    CONTROL = "control"
    CITY = "city"
    POLICE = "police"


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="message"):
    incident: IncidentId


class PrepareVideo(Message, frozen=True, kw_only=True, tag="prepare_video"):
    """Machine to machine, before a person decided: propose cameras, pre-connect them, deliver nothing."""

    request: RequestId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    until: Instant


class RequestVideo(Message, frozen=True, kw_only=True, tag="request_video"):
    """A person asks for video. `place` may be newer than that of the preparation."""

    request: RequestId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    until: Instant


class MovePlace(Message, frozen=True, kw_only=True, tag="move_place"):
    """The person moved; the camera set may follow inside the limits."""

    request: RequestId
    place: Place


class EndIncident(Message, frozen=True, kw_only=True, tag="end_incident"):
    """It is over: every grant of this incident ends now."""

    why: Why


class NotifyPolice(Message, frozen=True, kw_only=True, tag="notify_police", omit_defaults=True):
    """`place` is the wearer's; `apart_m` how far that is from the protected person, in an approach."""

    notice: NoticeId
    kind: AlarmKind
    place: Place | None
    apart_m: int | None = None


class LocateProtected(Message, frozen=True, kw_only=True, tag="locate_protected"):
    """Where the protected person of a notice is, for those who go there. To the police only: no city may hear it."""

    notice: NoticeId
    place: Place


class RequestFootage(Message, frozen=True, kw_only=True, tag="request_footage"):
    """Two persons asked for what the recorder holds. `document`: number of the letter or permit where the law asks for one."""

    footage: FootageId
    basis: FootageBasis
    document: str
    cameras: tuple[CameraId, ...]
    since: Instant
    until: Instant


class CloseFootage(Message, frozen=True, kw_only=True, tag="close_footage"):
    """Everything that will be fetched was fetched, or nothing will be any more: the excerpt may go."""

    footage: FootageId
    why: Why


class ProposeCameras(Message, frozen=True, kw_only=True, tag="propose_cameras"):
    request: RequestId
    cameras: tuple[CameraCard, ...]


class GiveGrant(Message, frozen=True, kw_only=True, tag="give_grant"):
    request: RequestId
    grant: GrantId
    cameras: tuple[CameraCard, ...]
    conditions: tuple[str, ...]
    until: Instant


class RefuseVideo(Message, frozen=True, kw_only=True, tag="refuse_video"):
    request: RequestId
    why: Why


class ChangeCameras(Message, frozen=True, kw_only=True, tag="change_cameras"):
    grant: GrantId
    cameras: tuple[CameraCard, ...]


class EndGrant(Message, frozen=True, kw_only=True, tag="end_grant"):
    """The city ended it by itself."""

    grant: GrantId
    why: Why


class AwaitPerson(Message, frozen=True, kw_only=True, tag="await_person"):
    """A person of the city decides on the request, at the latest at `answer_by`; until then nothing is delivered."""

    request: RequestId
    answer_by: Instant


class ReportSighting(Message, frozen=True, kw_only=True, tag="report_sighting"):
    """A person of the city saw the one who is looked for, or saw that nobody is there. Says not which of its people."""

    grant: GrantId
    camera: CameraId
    sight: Sight
    heading: Heading | None
    travel: Travel | None
    seen_at: Instant


class AwaitFootage(Message, frozen=True, kw_only=True, tag="await_footage"):
    """A person of the city decides on past footage, at the latest at `answer_by`."""

    footage: FootageId
    answer_by: Instant


class RefuseFootage(Message, frozen=True, kw_only=True, tag="refuse_footage"):
    footage: FootageId
    why: Why


class GiveFootage(Message, frozen=True, kw_only=True, tag="give_footage"):
    """These cameras' files will be announced; they are to be fetched until `until`."""

    footage: FootageId
    cameras: tuple[CameraId, ...]
    conditions: tuple[str, ...]
    until: Instant


class AnnounceFootage(Message, frozen=True, kw_only=True, tag="announce_footage"):
    """One file, signed for to the hash of each piece (32 bytes each, in order). Its bytes follow beside the messages."""

    footage: FootageId
    camera: CameraId
    since: Instant
    until: Instant
    size_bytes: int
    sha256: bytes
    pieces: bytes


class LackFootage(Message, frozen=True, kw_only=True, tag="lack_footage"):
    """The recorder has no file of this camera."""

    footage: FootageId
    camera: CameraId
    why: Why


class AnswerNotice(Message, frozen=True, kw_only=True, tag="answer_notice"):
    notice: NoticeId
    state: NoticeState


ToCity: TypeAlias = PrepareVideo | RequestVideo | MovePlace | EndIncident | RequestFootage | CloseFootage
ToPolice: TypeAlias = NotifyPolice | LocateProtected | EndIncident
FootageAnswer: TypeAlias = AwaitFootage | RefuseFootage | GiveFootage | AnnounceFootage | LackFootage
ToControl: TypeAlias = (
    ProposeCameras
    | GiveGrant
    | RefuseVideo
    | ChangeCameras
    | EndGrant
    | AwaitPerson
    | ReportSighting
    | AnswerNotice
    | FootageAnswer
)
AnyMessage: TypeAlias = (
    PrepareVideo
    | RequestVideo
    | MovePlace
    | EndIncident
    | NotifyPolice
    | LocateProtected
    | ProposeCameras
    | GiveGrant
    | RefuseVideo
    | ChangeCameras
    | EndGrant
    | AwaitPerson
    | ReportSighting
    | AnswerNotice
    | RequestFootage
    | CloseFootage
    | FootageAnswer
)

_FROM_TO: Final[dict[tuple[Role, Role], tuple[type[Message], ...]]] = {
    (Role.CONTROL, Role.CITY): (
        PrepareVideo,
        RequestVideo,
        MovePlace,
        EndIncident,
        RequestFootage,
        CloseFootage,
    ),
    (Role.CONTROL, Role.POLICE): (NotifyPolice, LocateProtected, EndIncident),
    (Role.CITY, Role.CONTROL): (
        ProposeCameras,
        GiveGrant,
        RefuseVideo,
        ChangeCameras,
        EndGrant,
        AwaitPerson,
        ReportSighting,
        AwaitFootage,
        RefuseFootage,
        GiveFootage,
        AnnounceFootage,
        LackFootage,
    ),
    (Role.POLICE, Role.CONTROL): (AnswerNotice,),
}


def outward(place: Place) -> Place:
    """A position as partners get it: without the number of its fix, which is a place in our journal and no business of theirs."""
    return msgspec.structs.replace(place, fix=FixId(0))


def passes(message: AnyMessage, sender: Role, receiver: Role) -> bool:
    """Whether this kind of message may go that way at all."""
    return isinstance(message, _FROM_TO.get((sender, receiver), ()))


def bounded(message: AnyMessage) -> bool:
    """Whether no name in it is too long. Every text that stands in a message by itself is a name."""
    texts = (getattr(message, each) for each in message.__struct_fields__)
    cards = message.cameras if isinstance(message, ProposeCameras | GiveGrant | ChangeCameras) else ()
    named = message.cameras if isinstance(message, RequestFootage | GiveFootage) else ()
    names = [each for each in texts if isinstance(each, str)] + [
        name for each in cards for name in (each.camera, each.pole)
    ]
    names += named
    return all(len(each) <= ID_CHARS_MAX for each in names)


OPENING: Final = (
    PrepareVideo,
    RequestVideo,
    MovePlace,
    ProposeCameras,
    GiveGrant,
    ChangeCameras,
    RequestFootage,
    GiveFootage,
    AnnounceFootage,
)
"""What may lead to a picture. Of a log that was brought back from a backup none of these leaves any more."""


class Send(msgspec.Struct, frozen=True):
    """An errand: this message must reach that centre. The store writes it with the events that caused it."""

    to: CentreId
    message: AnyMessage


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A message on the road. (`origin`, `epoch`, `seq`) is unique for ever: the inbox key of the receiver.

    `epoch` changes when a centre's outbox was restored from a backup; `seq` counts per receiver from 1 without gaps.
    `signature` is Ed25519 over `signed_part`; the receiver checks it whatever road the envelope took.
    """

    v: int
    origin: CentreId
    to: CentreId
    epoch: int
    seq: int
    sent_at: Instant
    body: bytes
    """The encoded message; it is signed as sent, never re-encoded on the way to a check."""
    signature: bytes = b""


def signed_part(envelope: Envelope) -> bytes:
    """The bytes a signature covers: domain, header fields in order, body. Unambiguous by length prefixes."""
    head = f"safetynet/message/{envelope.v}\n{envelope.origin}\n{envelope.to}\n{envelope.epoch}\n{envelope.seq}\n{envelope.sent_at}\n{len(envelope.body)}\n"
    return head.encode() + envelope.body
