-- Everything a centre must not lose, in one file, so that one transaction can bind it together.
-- Every integer is SQLite's 64-bit signed integer: a counter of ours does not overflow in the life of this country.
-- STRICT everywhere: without it SQLite would store a text in an integer column and say nothing.

create table if not exists event (
  serial integer primary key,   -- from 1, without gaps; leaf index + 1. Not autoincrement: the program counts, a trigger checks.
  subject text,                 -- whose key seals it; null when it names no person. Not only inside the sealed part: what was
                                -- erased must be skipped without opening it.
  sealed blob not null,         -- salt (32 bytes) and record, sealed under the subject's key; plain when there is none.
                                -- Not columns for kind and time: they would stay behind when the key is destroyed.
  leaf blob not null            -- HMAC-SHA256(salt, record) and a byte: 0 must be opened when published, 1 is sealed. Older
                                -- rows lack the byte. Kept, not derived: it must outlive the record.
) strict;

create trigger if not exists event_follows before insert on event
  when new.serial <> (select coalesce(max(serial), 0) + 1 from event)
  begin select raise(abort, 'the log has no gaps'); end;
create trigger if not exists event_stays before update on event
  begin select raise(abort, 'the log is append only'); end;
create trigger if not exists event_remains before delete on event
  begin select raise(abort, 'the log is append only'); end;

create table if not exists centre (
  one integer primary key check (one = 1), -- there is one row
  id text not null,             -- whose log this is: opening it as somebody else is a mistake that must not be signed
  epoch integer not null        -- of this outbox; a time, not a count: a restored backup cannot know the last count
) strict;

create table if not exists road (
  receiver text primary key,    -- a partner
  seq_last integer not null     -- the last number given. Not max(seq) of the outbox: that is emptied as it is acknowledged.
) strict, without rowid;

create table if not exists outbox (
  receiver text not null,
  seq integer not null,         -- counts per receiver from 1
  subject text not null,        -- of the incident: an unsent message is erased with it
  sealed blob not null,         -- the whole signed envelope: resent to the byte, not signed anew with another time
  primary key (receiver, seq)   -- the order of sending; no state column: a row that is here is owed
) strict, without rowid;

create table if not exists inbox (
  origin text not null,
  epoch integer not null,
  seq integer not null,
  primary key (origin, epoch, seq) -- for ever. Not a time window: an outage of 30 days ends with a duplicate too.
) strict, without rowid;

create trigger if not exists inbox_stays before update on inbox
  begin select raise(abort, 'the inbox is append only'); end;
create trigger if not exists inbox_remains before delete on inbox
  begin select raise(abort, 'the inbox is append only'); end;

create table if not exists relay (
  relay text primary key,       -- a relay process of this centre
  row_last integer not null     -- the last row of its log that is merged here. Not a key per row: its log is in order.
) strict, without rowid;

create table if not exists person (
  subject text primary key,
  sealed blob not null          -- names, contacts, orders as the program encodes them; never parsed by SQL
) strict, without rowid;

create table if not exists photo (
  subject text not null,        -- of the incident; the row goes with it
  name text not null,           -- drawn by the telephone; its event names it too
  sealed blob not null,         -- never parsed by SQL
  primary key (subject, name)
) strict;

create table if not exists wrapped_key (
  row integer primary key,      -- rows are appended and overwritten in place, never deleted or moved: SQLite zeroes what it
                                -- frees, but not every copy that rebalancing a tree leaves behind
  subject text not null unique,
  size_bytes integer not null,  -- of what is meant in `wrapped`; negative once deleted. One byte on disk in every case (2 to 96 or
                                -- -1; 0 and 1 would take none), else the row would change its length and its place.
  wrapped blob not null check (length(wrapped) = 96) -- the key under the centre's master key, padded: rows never change length
) strict;

create trigger if not exists wrapped_key_remains before delete on wrapped_key
  begin select raise(abort, 'a key is overwritten in place'); end;

create table if not exists erasure (
  subject text primary key,
  serial_through integer not null -- events up to here are noise; later ones may stand under a new key of the same subject
) strict, without rowid;

create table if not exists device (
  device text primary key,
  wearer text not null,
  key_sha256 blob not null      -- not argon2: a device key is 256 drawn bits, and it is checked on the hot path
) strict, without rowid;

create table if not exists account (
  person text primary key,
  login text not null unique,
  role text not null,
  seat text not null,
  sealed_name blob not null,    -- sealed under person:<id>: an employee's name is personal data too
  argon2 text not null          -- encoded with its parameters, so that they can be raised later
) strict, without rowid;

create table if not exists checkpoint (
  size integer primary key,     -- of the tree it signs
  note blob not null            -- the signed note as published. All are kept: an outsider may hold an old one.
) strict;

create table if not exists partner (
  centre text primary key,
  size integer not null,
  note blob not null            -- the largest checkpoint this partner showed us: should it come back smaller, we can say so
) strict, without rowid;

create table if not exists restoration (
  epoch integer primary key,    -- of the outbox from then on. Here before the event is in the log: a program declares it before
                                -- it does anything else, whatever killed the one that found it.
  epoch_before integer not null,
  size integer not null,        -- events the log had
  size_before integer not null, -- and is known to have had: nothing up to here is signed a second time
  root_before blob not null,
  found text not null,
  erased integer not null,
  erasures_known integer not null
) strict;

create table if not exists session_file (
  one integer primary key check (one = 1), -- there is one row, once anybody has signed in
  generation integer not null   -- of the file of sessions that is believed; an older one was copied back
) strict;
