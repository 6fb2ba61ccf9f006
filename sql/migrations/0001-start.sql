-- The first schema. Times are whole microseconds since 1970; digests lower-case hex; ids UUID text.
-- The text is common to SQLite and PostgreSQL; a driver adds what only its engine knows (STRICT, AUTOINCREMENT).

CREATE TABLE workspace (
    id            TEXT NOT NULL PRIMARY KEY,
    client_id     TEXT NOT NULL UNIQUE,         -- audience of the workspace's tokens
    digits        TEXT NOT NULL UNIQUE,         -- the 8 hex digits in the names of its storage accounts
    display_name  TEXT NOT NULL,
    description   TEXT NOT NULL,
    enable_airlock INTEGER NOT NULL,
    networks      TEXT NOT NULL,                -- JSON array of CIDR texts
    max_files     INTEGER NOT NULL,
    max_bytes     INTEGER NOT NULL,
    link_lifetime INTEGER NOT NULL,             -- seconds
    version       INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL
);

CREATE TABLE person (
    subject TEXT NOT NULL PRIMARY KEY,          -- immutable id at the identity provider
    name    TEXT NOT NULL,
    email   TEXT NOT NULL
);

-- workspace '' stands for the TRE as a whole.
CREATE TABLE assignment (
    workspace TEXT NOT NULL,
    subject   TEXT NOT NULL,
    role      TEXT NOT NULL,
    PRIMARY KEY (workspace, subject, role)
);
CREATE INDEX assignment_by_subject ON assignment (subject, workspace);

CREATE TABLE request (
    id             TEXT NOT NULL PRIMARY KEY,
    workspace      TEXT NOT NULL REFERENCES workspace (id),
    type           TEXT NOT NULL,
    title          TEXT NOT NULL,
    justification  TEXT NOT NULL,
    status         TEXT NOT NULL,               -- written by core/apply only
    status_message TEXT,
    failed_from    TEXT,
    version        INTEGER NOT NULL,            -- the fence of every change
    generation     INTEGER NOT NULL,            -- raising it kills every older link
    fence          INTEGER NOT NULL,            -- last fencing token given to a job
    dir            TEXT NOT NULL,               -- where the bytes are, below the storage root
    manifest_digest TEXT,
    policy_note    TEXT,                        -- "not scanned by policy"
    delivered      INTEGER,
    creator        TEXT NOT NULL,               -- subject
    created_by     TEXT NOT NULL,               -- JSON, as shown
    created        INTEGER NOT NULL,
    updated_by     TEXT NOT NULL,
    updated        INTEGER NOT NULL
);
CREATE INDEX request_by_workspace ON request (workspace, created);
CREATE INDEX request_by_creator ON request (creator, created);

-- One row for each version that is no more.
CREATE TABLE history (
    request    TEXT NOT NULL REFERENCES request (id),
    version    INTEGER NOT NULL,
    status     TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated    INTEGER NOT NULL,
    PRIMARY KEY (request, version)
);

CREATE TABLE review (
    id              TEXT NOT NULL PRIMARY KEY,
    request         TEXT NOT NULL REFERENCES request (id),
    reviewer        TEXT NOT NULL,              -- JSON, as shown
    decision        TEXT NOT NULL,
    explanation     TEXT NOT NULL,
    manifest_digest TEXT,
    created         INTEGER NOT NULL
);
CREATE INDEX review_by_request ON review (request, created);

-- The files of a request: written while it is a draft, fixed by the submit.
CREATE TABLE blob (
    id         INTEGER PRIMARY KEY,
    request    TEXT NOT NULL REFERENCES request (id),
    name       TEXT NOT NULL,
    twin       TEXT NOT NULL,                   -- the name under NFC and case folding
    size       INTEGER NOT NULL,
    etag       TEXT NOT NULL,
    properties TEXT NOT NULL,                   -- JSON object of texts
    metadata   TEXT NOT NULL,
    sha256     TEXT,                            -- of the whole file: from the upload where it came in one piece, then from the seal
    object     TEXT,                            -- the one file with its bytes, once sealed
    commit_id  TEXT NOT NULL,                   -- makes a repeated commit one effect
    created    INTEGER NOT NULL,
    modified   INTEGER NOT NULL,
    UNIQUE (request, name),
    UNIQUE (request, twin)
);

-- Where the bytes of a draft's blob lie, in order.
CREATE TABLE extent (
    blob     INTEGER NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
    seq      INTEGER NOT NULL,
    block_id TEXT,
    object   TEXT NOT NULL,
    start    INTEGER NOT NULL,                  -- offset in the object file
    length   INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    PRIMARY KEY (blob, seq)
);
CREATE INDEX extent_by_object ON extent (object);

-- The object that uncommitted blocks of one blob name are written to.
CREATE TABLE staging (
    request    TEXT NOT NULL REFERENCES request (id),
    name       TEXT NOT NULL,
    object     TEXT NOT NULL UNIQUE,
    high       INTEGER NOT NULL,                -- first offset never given away
    block_size INTEGER NOT NULL,                -- the largest block seen
    blocks     INTEGER NOT NULL,                -- places given away, and their bytes
    bytes      INTEGER NOT NULL,
    PRIMARY KEY (request, name)
);

-- Places given to uncommitted blocks; sha256 is NULL until the bytes are there.
CREATE TABLE block (
    id       INTEGER PRIMARY KEY,
    request  TEXT NOT NULL REFERENCES request (id),
    name     TEXT NOT NULL,
    block_id TEXT NOT NULL,
    object   TEXT NOT NULL,
    start    INTEGER NOT NULL,
    length   INTEGER NOT NULL,
    sha256   TEXT
);
CREATE INDEX block_by_name ON block (request, name, block_id);
CREATE INDEX block_by_object ON block (object, start);

-- Links that were handed out. The signature is stored nowhere.
CREATE TABLE link (
    id          TEXT NOT NULL PRIMARY KEY,
    request     TEXT NOT NULL REFERENCES request (id),
    generation  INTEGER NOT NULL,
    subject     TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL
);

-- Downloads, one row a link, blob, address and minute.
CREATE TABLE use (
    id      INTEGER PRIMARY KEY,
    link    TEXT NOT NULL,
    request TEXT NOT NULL,
    subject TEXT NOT NULL,                      -- who asked for the link
    name    TEXT NOT NULL,
    address TEXT NOT NULL,
    minute  INTEGER NOT NULL,
    sent    INTEGER NOT NULL,                   -- bytes that are not in the audit yet
    closed  INTEGER NOT NULL,                   -- when the last of its transfers ended
    UNIQUE (link, name, address, minute)
);
CREATE INDEX use_open ON use (closed) WHERE sent > 0;

CREATE TABLE job (
    id          INTEGER PRIMARY KEY,
    request     TEXT NOT NULL REFERENCES request (id),
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,                  -- open, done, failed
    drained     INTEGER NOT NULL,               -- 0 while a listener may still write
    origin      TEXT NOT NULL,                  -- where the bytes were when the job was made
    target      TEXT,                           -- account of the outcome
    first_token INTEGER NOT NULL,               -- 0 before the first lease
    token       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    next_try    INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,               -- 0: not leased
    error       TEXT,
    created     INTEGER NOT NULL
);
CREATE INDEX job_open ON job (state, next_try);
CREATE INDEX job_by_request ON job (request);

-- What happened. Append-only: see the triggers of the driver.
CREATE TABLE audit (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    workspace TEXT,
    request   TEXT,
    subject   TEXT NOT NULL,
    address   TEXT NOT NULL,
    detail    TEXT NOT NULL                     -- JSON object
);
CREATE INDEX audit_by_request ON audit (request, id);
