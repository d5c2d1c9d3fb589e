-- What is true: every run, result, waiver, attestation and decision, one row each, never changed.
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,   -- 1, 2, 3 ... without gaps
  kind TEXT NOT NULL,
  at TEXT NOT NULL,          -- when it was stored: RFC 3339, UTC
  run INTEGER,               -- of a result and a run's end: seq of the run's begin
  check_id TEXT,             -- of a result, waiver and attestation
  body TEXT NOT NULL,        -- JSON, ASCII
  hash BLOB NOT NULL         -- SHA-256 over the hash before it and this entry
);
CREATE INDEX entries_of_run ON entries (run) WHERE run IS NOT NULL;
CREATE INDEX entries_of_check ON entries (check_id) WHERE check_id IS NOT NULL;
CREATE INDEX entries_of_kind ON entries (kind) WHERE kind <> 'result';

CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'The ledger is append-only: an entry cannot be changed.'); END;
CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'The ledger is append-only: an entry cannot be deleted.'); END;

-- What follows from the entries, kept in the same transaction so that reading it is instant.
CREATE TABLE head (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL
);
INSERT INTO head VALUES (1, 0, zeroblob(32));

CREATE TABLE runs (
  began INTEGER PRIMARY KEY, -- seq of the entry
  id TEXT NOT NULL UNIQUE,
  ended INTEGER,             -- seq of the entry; NULL while it runs, or if it was killed
  addresses TEXT NOT NULL    -- of the vantage: JSON
);

CREATE TABLE latest (
  check_id TEXT PRIMARY KEY,
  last INTEGER NOT NULL,     -- seq of the check's last result, whether it counts or not
  seq INTEGER NOT NULL,      -- of the result that counts
  run INTEGER NOT NULL,
  badness INTEGER NOT NULL,  -- place of the status in WORST_FIRST; 0 is the worst
  brief TEXT NOT NULL,       -- JSON: the result without findings, observation and notes
  findings TEXT NOT NULL     -- JSON
);
