-- Counters instead of sums, places of extents, quotas of people and workspaces, and an index for each order of a list.

-- Where an extent begins in its blob: a range finds its first extent without counting.
ALTER TABLE extent ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE extent SET at = place.at FROM (SELECT blob, seq, sum(length) OVER (PARTITION BY blob ORDER BY seq) - length AS at
    FROM extent) AS place WHERE place.blob = extent.blob AND place.seq = extent.seq;
CREATE INDEX extent_by_place ON extent (blob, at);

-- Bytes of a blob's object files: with blocks that were written and are in no list, more than its size.
ALTER TABLE blob ADD COLUMN footprint INTEGER NOT NULL DEFAULT 0;
UPDATE blob SET footprint = size;

-- What a request holds. Kept by the transactions that change blob and staging; a test compares it with the sums.
CREATE TABLE usage (
    request      TEXT NOT NULL PRIMARY KEY REFERENCES request (id),
    files        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,              -- of the files
    staged_names INTEGER NOT NULL,              -- names that have blocks waiting for their list
    staged_bytes INTEGER NOT NULL,              -- places given to those blocks
    text_bytes   INTEGER NOT NULL,              -- of names, headers and metadata
    held         INTEGER NOT NULL               -- bytes on the disk, which the quotas count: 0 once it was purged
);
INSERT INTO usage (request, files, bytes, staged_names, staged_bytes, text_bytes, held)
SELECT r.id, coalesce(b.files, 0), coalesce(b.bytes, 0), coalesce(s.names, 0), coalesce(s.bytes, 0), coalesce(b.text, 0),
    CASE WHEN r.status IN ('cancelled', 'revoked') THEN 0 ELSE coalesce(b.bytes, 0) + coalesce(s.bytes, 0) END
FROM request r LEFT JOIN (SELECT request, count(*) AS files, sum(size) AS bytes,
        sum(length(name) + length(properties) + length(metadata)) AS text FROM blob GROUP BY request) AS b
        ON b.request = r.id
    LEFT JOIN (SELECT request, count(*) AS names, sum(bytes) AS bytes FROM staging GROUP BY request) AS s ON s.request = r.id;

-- The bytes that a person's requests hold in one workspace; subject '' stands for all people of the workspace.
CREATE TABLE holding (
    workspace TEXT NOT NULL REFERENCES workspace (id),
    subject   TEXT NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (workspace, subject)
);
INSERT INTO holding (workspace, subject, bytes)
SELECT r.workspace, r.creator, sum(u.held) FROM usage u JOIN request r ON r.id = u.request GROUP BY r.workspace, r.creator;
INSERT INTO holding (workspace, subject, bytes)
SELECT r.workspace, '', sum(u.held) FROM usage u JOIN request r ON r.id = u.request GROUP BY r.workspace;

-- 0: no limit
ALTER TABLE workspace ADD COLUMN max_bytes_per_user INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspace ADD COLUMN max_bytes_per_workspace INTEGER NOT NULL DEFAULT 0;

-- Commits whose content was replaced or deleted since: the same commit sent again finds its answer here.
CREATE TABLE commit_past (
    id       TEXT NOT NULL PRIMARY KEY,
    request  TEXT NOT NULL REFERENCES request (id),
    name     TEXT NOT NULL,
    etag     TEXT NOT NULL,
    modified INTEGER NOT NULL,
    ended    INTEGER NOT NULL
);
CREATE INDEX commit_past_ended ON commit_past (ended);

-- Uses of links that are neither a download nor an upload: one audit row a link, address, kind and minute.
CREATE TABLE link_use (
    minute  INTEGER NOT NULL,
    link    TEXT NOT NULL,
    address TEXT NOT NULL,
    kind    TEXT NOT NULL,
    PRIMARY KEY (minute, link, address, kind)
);

-- Lists of a workspace's requests, in every order that they have.
DROP INDEX request_by_workspace;
CREATE INDEX request_by_created ON request (workspace, created, id);
CREATE INDEX request_by_updated ON request (workspace, updated, id);
CREATE INDEX request_by_title ON request (workspace, title, id);
CREATE INDEX request_by_status ON request (workspace, status, id);
CREATE INDEX request_by_type ON request (workspace, type, id);
CREATE INDEX request_by_person ON request (workspace, creator, id);
