-- The gates: checks of the files between the seal and the review, their policy, their reports; and jobs of two workers.

ALTER TABLE job ADD COLUMN worker TEXT NOT NULL DEFAULT 'mover';
ALTER TABLE job ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- since when it has been tried without success
UPDATE job SET since = created;
ALTER TABLE job ADD COLUMN policy TEXT;         -- of gates: JSON, what they were told to do
DROP INDEX job_open;
CREATE INDEX job_open ON job (worker, state, next_try);

-- {"import": {…}, "export": {…}}: rows of the gates' policy that differ from the TRE's.
ALTER TABLE workspace ADD COLUMN gates TEXT NOT NULL DEFAULT '{}';

-- JSON: what the gates said, in short.
ALTER TABLE request ADD COLUMN gate_report TEXT;

-- Everything that the gates said, of each run that came to an end.
CREATE TABLE gate_report (
    id              INTEGER PRIMARY KEY,
    request         TEXT NOT NULL REFERENCES request (id),
    manifest_digest TEXT NOT NULL,
    at              INTEGER NOT NULL,
    verdict         TEXT NOT NULL,
    policy          TEXT NOT NULL,              -- JSON, and its SHA-256
    policy_digest   TEXT NOT NULL,
    gates           TEXT NOT NULL               -- JSON
);
CREATE INDEX gate_report_by_request ON gate_report (request, id);

-- The last check of a draft that its requestor asked for.
CREATE TABLE gate_check (
    request  TEXT NOT NULL PRIMARY KEY REFERENCES request (id),
    started  INTEGER NOT NULL,
    finished INTEGER,
    state    TEXT NOT NULL,                     -- running, done, failed
    detail   TEXT,                              -- of failed
    verdict  TEXT,
    policy   TEXT,
    gates    TEXT,
    files    TEXT NOT NULL                      -- what the draft held then: a later upload makes the check an old one
);
