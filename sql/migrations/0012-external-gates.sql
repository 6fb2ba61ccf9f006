-- External gates and steps: checks of an organisation's own, called over HTTP, that answer by the API.

ALTER TABLE job ADD COLUMN waits INTEGER NOT NULL DEFAULT 0; -- 1: for the answers to its calls; it is not leased before
ALTER TABLE job ADD COLUMN report TEXT;                      -- of gates that wait: JSON, what airlock's own said

CREATE TABLE external_call (
    id              INTEGER PRIMARY KEY,
    request         TEXT NOT NULL REFERENCES request (id),
    job             INTEGER NOT NULL REFERENCES job (id),
    gate            TEXT NOT NULL,
    step            TEXT NOT NULL,              -- review, or the movement that it stands before
    manifest_digest TEXT NOT NULL,
    message         TEXT NOT NULL,              -- the same id at each try
    state           TEXT NOT NULL,              -- open, answered; ended: no answer counts any more
    created         INTEGER NOT NULL,
    deadline        INTEGER NOT NULL,
    delivered       INTEGER,                    -- when the receiver took it
    next_try        INTEGER NOT NULL,
    lease_until     INTEGER NOT NULL,
    token           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    error           TEXT,                       -- of the last try
    answer          TEXT,                       -- JSON: verdict and findings
    answered        INTEGER,
    answered_by     TEXT
);
CREATE INDEX external_call_by_request ON external_call (request, gate, id);
CREATE INDEX external_call_by_job ON external_call (job, state);
CREATE INDEX external_call_open ON external_call (state, delivered, next_try);
