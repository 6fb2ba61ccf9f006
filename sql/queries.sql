-- Every statement that airlock runs, by name. Parameters are $1, $2, …; the C side names the query, never its text.

-- name: WORKSPACE_INSERT
INSERT INTO workspace (id, client_id, digits, display_name, description, enable_airlock, networks, max_files, max_bytes, link_lifetime,
    max_bytes_per_user, max_bytes_per_workspace, version, created, updated, approvals, gates, notice_link)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $13, $14, $15, $16);

-- name: WORKSPACE_UPDATE
UPDATE workspace SET display_name = $2, description = $3, enable_airlock = $4, networks = $5, max_files = $6, max_bytes = $7,
    link_lifetime = $8, max_bytes_per_user = $9, max_bytes_per_workspace = $10, approvals = $13, gates = $14, notice_link = $15,
    version = version + 1, updated = $11
WHERE id = $1 AND version = $12;

-- name: WORKSPACE_GET
SELECT id, client_id, digits, display_name, description, enable_airlock, networks, max_files, max_bytes, link_lifetime,
    max_bytes_per_user, max_bytes_per_workspace, version, created, updated, approvals, gates, notice_link
FROM workspace WHERE id = $1;

-- name: WORKSPACE_BY_CLIENT
SELECT id, client_id, digits, display_name, description, enable_airlock, networks, max_files, max_bytes, link_lifetime,
    max_bytes_per_user, max_bytes_per_workspace, version, created, updated, approvals, gates, notice_link
FROM workspace WHERE client_id = $1;

-- name: WORKSPACE_BY_DIGITS
SELECT id, client_id, digits, display_name, description, enable_airlock, networks, max_files, max_bytes, link_lifetime,
    max_bytes_per_user, max_bytes_per_workspace, version, created, updated, approvals, gates, notice_link
FROM workspace WHERE digits = $1;

-- name: WORKSPACE_LIST
SELECT id, client_id, digits, display_name, description, enable_airlock, networks, max_files, max_bytes, link_lifetime,
    max_bytes_per_user, max_bytes_per_workspace, version, created, updated, approvals, gates, notice_link
FROM workspace WHERE $1 = 1 OR id IN (SELECT workspace FROM member WHERE subject = $2) OR $3 LIKE '% ' || id || ' %' ORDER BY display_name, id LIMIT 1000;

-- name: WORKSPACE_COUNT
SELECT count(*) FROM workspace;

-- name: TRE_IN_USE
SELECT 1 WHERE EXISTS (SELECT 1 FROM workspace) OR EXISTS (SELECT 1 FROM assignment);

-- name: WORKSPACE_DIGITS_TAKEN
SELECT 1 FROM workspace WHERE digits = $1;

-- name: PERSON_PUT
INSERT INTO person (subject, name, email) VALUES ($1, $2, $3)
ON CONFLICT (subject) DO UPDATE SET name = excluded.name, email = excluded.email
WHERE person.name <> excluded.name OR person.email <> excluded.email;

-- name: PERSON_LIST
SELECT subject, name, email FROM person WHERE disabled = 0 ORDER BY name, subject LIMIT 1000;

-- An account of the built-in provider. The mark of who was known already stays: orders change it, publications do not.
-- name: PERSON_ACCOUNT
INSERT INTO person (subject, name, email, kind, client_id, disabled) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (subject) DO UPDATE SET name = excluded.name, email = excluded.email, kind = excluded.kind, client_id = excluded.client_id
WHERE person.name <> excluded.name OR person.email <> excluded.email OR person.kind <> excluded.kind OR person.client_id <> excluded.client_id;

-- name: PERSON_ACCOUNTS
SELECT subject, name, email, kind, client_id, disabled FROM person WHERE kind <> '' AND subject > $1 ORDER BY subject LIMIT $2;

-- name: PERSON_IS_ACCOUNT
SELECT 1 FROM person WHERE subject = $1 AND kind <> '';

-- name: PERSON_STATE
SELECT disabled, tokens_from FROM person WHERE subject = $1;

-- name: PERSON_DISABLE
UPDATE person SET disabled = 1, tokens_from = $2 WHERE subject = $1;

-- name: PERSON_ENABLE
UPDATE person SET disabled = 0 WHERE subject = $1;

-- name: PERSON_END_TOKENS
UPDATE person SET tokens_from = $2 WHERE subject = $1;

-- name: ADMIN_BUT
SELECT 1 FROM assignment a LEFT JOIN person p ON p.subject = a.subject
WHERE a.workspace = '' AND a.role = 'TREAdmin' AND a.subject <> $1 AND coalesce(p.disabled, 0) = 0 LIMIT 1;

-- name: PERSON_GET
SELECT subject, name, email FROM person WHERE subject = $1;

-- name: ASSIGNMENT_ADD
INSERT INTO assignment (workspace, subject, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: ASSIGNMENT_REMOVE
DELETE FROM assignment WHERE workspace = $1 AND subject = $2 AND role = $3;

-- name: ASSIGNMENT_ROLES
SELECT role FROM assignment WHERE workspace = $1 AND subject = $2;

-- name: ASSIGNMENT_MEMBERS
SELECT a.subject, a.role, p.name, p.email FROM member a LEFT JOIN person p ON p.subject = a.subject
WHERE a.workspace = $1 ORDER BY a.subject, a.role LIMIT 5000;

-- Addresses of those who hold a role in a workspace. Not by the view member, which SQLite would read as a whole.
-- name: MEMBER_EMAILS
SELECT DISTINCT p.email FROM person p JOIN (
    SELECT subject FROM assignment WHERE workspace = $1 AND role = $2 UNION
    SELECT subject FROM seen_role WHERE workspace = $1 AND role = $2) m ON p.subject = m.subject
WHERE p.disabled = 0 AND p.email <> '' ORDER BY p.email LIMIT 1000;

-- Who is told. A service gets no mail, and somebody disabled none either.
-- name: NOTICE_PEOPLE
SELECT p.subject, p.name, p.email, coalesce(c.choice, '') FROM person p JOIN (
    SELECT subject FROM assignment WHERE workspace = $1 AND role = $2 UNION
    SELECT subject FROM seen_role WHERE workspace = $1 AND role = $2 UNION
    SELECT subject FROM group_seen WHERE workspace = $1 AND role = $2) m ON p.subject = m.subject
    LEFT JOIN notice_choice c ON c.subject = p.subject
WHERE p.disabled = 0 AND p.kind <> 'service' ORDER BY p.subject LIMIT $3;

-- name: NOTICE_PERSON
SELECT p.subject, p.name, p.email, coalesce(c.choice, '') FROM person p LEFT JOIN notice_choice c ON c.subject = p.subject
WHERE p.subject = $1 AND p.disabled = 0 AND p.kind <> 'service';

-- name: NOTICE_CHOICE_GET
SELECT choice FROM notice_choice WHERE subject = $1;

-- name: NOTICE_CHOICE_PUT
INSERT INTO notice_choice (subject, choice) VALUES ($1, $2) ON CONFLICT (subject) DO UPDATE SET choice = excluded.choice;

-- The summary that still takes more: it was never sent, and is not due. A person has few; what is due later has many (+ 0:
-- not by that index).
-- name: DIGEST_OPEN
SELECT id FROM delivery WHERE subject = $1 AND subject <> '' AND endpoint = $2 AND detail = $3 AND state = 'open' AND leases = 0
    AND next_try + 0 > $4;

-- A date, and others of its event that fall on the same moment.
-- name: NOTICE_DATES
SELECT o.id, o.detail FROM delivery d JOIN delivery o ON o.event = d.event AND o.endpoint = d.endpoint
    AND o.subject = d.subject AND o.state = d.state AND o.created + 0 = d.created
WHERE d.id = $1 ORDER BY o.id;

-- name: DIGEST_ADD
INSERT INTO digest_item (delivery, event) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: DIGEST_ITEMS
SELECT e.request, e.workspace, e.at, e.document, r.title, w.display_name, r.creator FROM digest_item i
    JOIN event e ON e.id = i.event JOIN request r ON r.id = e.request JOIN workspace w ON w.id = e.workspace
WHERE i.delivery = $1 ORDER BY e.id;

-- name: REQUEST_INSERT
INSERT INTO request (id, workspace, type, title, justification, status, version, generation, fence, dir, creator, created_by, created, updated_by, updated)
VALUES ($1, $2, $3, $4, $5, $6, 0, 1, 0, $7, $8, $9, $10, $9, $10);

-- name: REQUEST_GET
SELECT id, workspace, type, title, justification, status, status_message, failed_from, version, generation, fence, dir,
    manifest_digest, policy_note, delivered, creator, created_by, created, updated_by, updated, gate_report
FROM request WHERE id = $1 AND workspace = $2;

-- Jobs and links name a request by its id alone: what they name was found by id and workspace before.
-- name: REQUEST_BY_ID
SELECT id, workspace, type, title, justification, status, status_message, failed_from, version, generation, fence, dir,
    manifest_digest, policy_note, delivered, creator, created_by, created, updated_by, updated, gate_report
FROM request WHERE id = $1;

-- name: REQUEST_CAS_STATUS
UPDATE request SET status = $4, status_message = $5, failed_from = $6, version = version + 1, generation = generation + 1,
    updated_by = $7, updated = $8 WHERE id = $1 AND workspace = $2 AND version = $3;

-- name: REQUEST_RAISE_GENERATION
UPDATE request SET generation = generation + 1 WHERE id = $1;

-- name: REQUEST_SET_DIR
UPDATE request SET dir = $2 WHERE id = $1;

-- name: REQUEST_SET_MANIFEST
UPDATE request SET manifest_digest = $2 WHERE id = $1 AND manifest_digest IS NULL;

-- name: REQUEST_SET_DELIVERED
UPDATE request SET delivered = $2 WHERE id = $1;

-- name: REQUEST_SET_MESSAGE
UPDATE request SET status_message = $2 WHERE id = $1;

-- name: REQUEST_NEXT_FENCE
UPDATE request SET fence = fence + 1 WHERE id = $1 RETURNING fence;

-- Lists of requests: one query for each order and direction, so that an index gives the order. Keyset paging: ($5, $6)
-- is the last row seen. Of one workspace; of one person, and of the workspaces that an Airlock Manager has: few rows,
-- which are sorted.
-- name: REQUESTS_OF_WORKSPACE_UP_{KEY}
-- each: KEY created updated title status type creator
SELECT id, workspace, type, title, justification, status, status_message, failed_from, version, generation, fence, dir,
    manifest_digest, policy_note, delivered, creator, created_by, created, updated_by, updated, gate_report, {KEY} FROM request
WHERE workspace = $1 AND ($2 = '' OR creator = $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR status = $4)
    AND ({KEY}, id) > ($5, $6) ORDER BY {KEY}, id LIMIT $7;

-- name: REQUESTS_OF_WORKSPACE_DOWN_{KEY}
-- each: KEY created updated title status type creator
SELECT id, workspace, type, title, justification, status, status_message, failed_from, version, generation, fence, dir,
    manifest_digest, policy_note, delivered, creator, created_by, created, updated_by, updated, gate_report, {KEY} FROM request
WHERE workspace = $1 AND ($2 = '' OR creator = $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR status = $4)
    AND ({KEY}, id) < ($5, $6) ORDER BY {KEY} DESC, id DESC LIMIT $7;

-- name: REQUESTS_OF_PERSON_UP_{KEY}
-- each: KEY created updated title status type creator
SELECT id, workspace, type, title, justification, status, status_message, failed_from, version, generation, fence, dir,
    manifest_digest, policy_note, delivered, creator, created_by, created, updated_by, updated, gate_report, {KEY} FROM request
WHERE creator = $1 AND ($2 = '' OR creator = $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR status = $4)
    AND ({KEY}, id) > ($5, $6) ORDER BY {KEY}, id LIMIT $7;

-- name: REQUESTS_OF_PERSON_DOWN_{KEY}
-- each: KEY created updated title status type creator
SELECT id, workspace, type, title, justification, status, status_message, failed_from, version, generation, fence, dir,
    manifest_digest, policy_note, delivered, creator, created_by, created, updated_by, updated, gate_report, {KEY} FROM request
WHERE creator = $1 AND ($2 = '' OR creator = $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR status = $4)
    AND ({KEY}, id) < ($5, $6) ORDER BY {KEY} DESC, id DESC LIMIT $7;

-- name: REQUESTS_OF_MANAGER_UP_{KEY}
-- each: KEY created updated title status type creator
SELECT id, workspace, type, title, justification, status, status_message, failed_from, version, generation, fence, dir,
    manifest_digest, policy_note, delivered, creator, created_by, created, updated_by, updated, gate_report, {KEY} FROM request
WHERE workspace IN (SELECT workspace FROM member WHERE subject = $1 AND role = 'AirlockManager') AND ($2 = '' OR creator = $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR status = $4)
    AND ({KEY}, id) > ($5, $6) ORDER BY {KEY}, id LIMIT $7;

-- name: REQUESTS_OF_MANAGER_DOWN_{KEY}
-- each: KEY created updated title status type creator
SELECT id, workspace, type, title, justification, status, status_message, failed_from, version, generation, fence, dir,
    manifest_digest, policy_note, delivered, creator, created_by, created, updated_by, updated, gate_report, {KEY} FROM request
WHERE workspace IN (SELECT workspace FROM member WHERE subject = $1 AND role = 'AirlockManager') AND ($2 = '' OR creator = $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR status = $4)
    AND ({KEY}, id) < ($5, $6) ORDER BY {KEY} DESC, id DESC LIMIT $7;

-- name: HISTORY_ADD
INSERT INTO history (request, version, status, updated_by, updated) VALUES ($1, $2, $3, $4, $5);

-- name: HISTORY_GET
SELECT updated_by FROM history WHERE request = $1 AND version = $2;

-- name: HISTORY_LIST
SELECT version, status, updated_by, updated FROM history WHERE request = $1 ORDER BY version;

-- name: REVIEW_ADD
INSERT INTO review (id, request, reviewer, decision, explanation, manifest_digest, created) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: REVIEW_LAST
SELECT reviewer, explanation FROM review WHERE request = $1 AND decision = $2 AND created <= $3 ORDER BY created DESC, id DESC LIMIT 1;

-- name: REVIEW_LIST
SELECT id, reviewer, decision, explanation, manifest_digest, created FROM review WHERE request = $1 ORDER BY created, id;

-- name: BLOB_GET
SELECT id, size, footprint, etag, properties, metadata, object, commit_id, created, modified FROM blob WHERE request = $1 AND name = $2;

-- name: NAME_TWIN
SELECT name FROM blob WHERE request = $1 AND twin = $2 AND name <> $3;

-- name: BLOB_INSERT
INSERT INTO blob (request, name, twin, size, footprint, etag, properties, metadata, sha256, commit_id, created, modified)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id;

-- name: BLOB_DELETE
DELETE FROM blob WHERE id = $1;

-- name: BLOB_FILES
SELECT id, name, size, sha256, properties, metadata, object FROM blob WHERE request = $1 ORDER BY name;

-- name: BLOB_FILES_FIRST
SELECT name, size, sha256 FROM blob WHERE request = $1 ORDER BY name LIMIT $2;

-- name: BLOB_FILES_AFTER
SELECT id, name, size, sha256, properties, metadata, object FROM blob WHERE request = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: BLOB_TOTALS
SELECT count(*), coalesce(sum(size), 0) FROM blob WHERE request = $1;

-- name: BLOB_SEAL
UPDATE blob SET object = $3, sha256 = $4, properties = $5, metadata = $6 WHERE id = $1 AND request = $2;

-- name: BLOB_LIST
SELECT name, size, etag, properties, metadata, created, modified FROM blob
WHERE request = $1 AND name >= $2 AND ($3 = '' OR name < $3) ORDER BY name LIMIT $4;

-- The same with the names that have blocks but no content yet. Blocks on their way, and those of an older generation, are none.
-- name: BLOB_LIST_UNCOMMITTED
SELECT name, size, etag, properties, metadata, created, modified FROM blob
WHERE request = $1 AND name >= $2 AND ($3 = '' OR name < $3)
UNION ALL SELECT s.name, 0, NULL, '{}', '{}', 0, 0 FROM staging s WHERE s.request = $1 AND s.name >= $2 AND ($3 = '' OR s.name < $3)
    AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.request = s.request AND b.name = s.name)
    AND EXISTS (SELECT 1 FROM block k WHERE k.request = s.request AND k.name = s.name AND k.sha256 IS NOT NULL)
ORDER BY name LIMIT $4;

-- name: BLOB_SET_PROPERTIES
UPDATE blob SET properties = $2, etag = $3, modified = $4 WHERE id = $1;

-- name: BLOB_SET_METADATA
UPDATE blob SET metadata = $2, etag = $3, modified = $4 WHERE id = $1;

-- name: EXTENT_ADD
INSERT INTO extent (blob, seq, block_id, object, start, length, sha256, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: EXTENT_LIST
SELECT seq, block_id, object, start, length, sha256 FROM extent WHERE blob = $1 ORDER BY seq;

-- What overlaps the bytes $2 to $3 of a blob. The first begins at the last place not behind $2.
-- name: EXTENT_RANGE
SELECT object, start, length, at FROM extent WHERE blob = $1 AND length > 0 AND at <= $3
    AND at >= (SELECT coalesce(max(at), 0) FROM extent WHERE blob = $1 AND at <= $2) ORDER BY at, seq;

-- Of a block that stands in the list more than once the first counts: it comes last.
-- name: EXTENT_PARTS
SELECT block_id, object, start, length, sha256 FROM extent WHERE blob = $1 AND block_id IS NOT NULL ORDER BY block_id, seq DESC;

-- A client chose these ids: they must not leave with the file.
-- name: EXTENT_FORGET_BLOCKS
UPDATE extent SET block_id = NULL WHERE blob = $1;

-- name: EXTENT_DELETE
DELETE FROM extent WHERE blob = $1;

-- name: EXTENT_OBJECTS
SELECT DISTINCT object FROM extent WHERE blob = $1;

-- name: OBJECT_IN_USE
SELECT 1 FROM extent WHERE object = $1 UNION ALL SELECT 1 FROM staging WHERE object = $1 UNION ALL
    SELECT 1 FROM block WHERE object = $1 LIMIT 1;

-- name: STAGING_GET
SELECT object, high, block_size, blocks, bytes FROM staging WHERE request = $1 AND name = $2;

-- name: STAGING_PUT
INSERT INTO staging (request, name, object, high, block_size, blocks, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (request, name) DO UPDATE SET high = excluded.high, block_size = excluded.block_size, blocks = excluded.blocks,
    bytes = excluded.bytes;

-- name: STAGING_DELETE
DELETE FROM staging WHERE request = $1 AND name = $2;

-- name: BLOCK_ADD
INSERT INTO block (request, name, block_id, object, start, length) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id;

-- name: BLOCK_GET
SELECT name, object, start, length, sha256 FROM block WHERE id = $1 AND request = $2;

-- name: BLOCK_FILL
UPDATE block SET sha256 = $2 WHERE id = $1;

-- Their places stay taken, for the quota and for who may still be writing there.
-- name: BLOCK_EMPTY_ALL
UPDATE block SET sha256 = NULL WHERE request = $1;

-- name: BLOCK_OVERLAPS
SELECT 1 FROM block WHERE object = $1 AND start < $3 AND start + length > $2 LIMIT 1;

-- name: BLOCK_ANY
SELECT block_id FROM block WHERE request = $1 AND name = $2 LIMIT 1;

-- The newest filled place of each block id counts.
-- name: BLOCK_PARTS
SELECT block_id, object, start, length, sha256 FROM block WHERE request = $1 AND name = $2 AND sha256 IS NOT NULL ORDER BY block_id, id;

-- name: BLOCK_LIST
SELECT block_id, length FROM block WHERE id IN (SELECT max(id) FROM block WHERE request = $1 AND name = $2 AND sha256 IS NOT NULL GROUP BY block_id) ORDER BY id;

-- name: BLOCK_DELETE
DELETE FROM block WHERE request = $1 AND name = $2;

-- name: BLOCK_DELETE_ALL
DELETE FROM block WHERE request = $1;

-- name: STAGING_DELETE_ALL
DELETE FROM staging WHERE request = $1;

-- name: USAGE_GET
SELECT files, bytes, staged_names, staged_bytes, text_bytes, held FROM usage WHERE request = $1;

-- name: USAGE_ADD
INSERT INTO usage (request, files, bytes, staged_names, staged_bytes, text_bytes, held) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (request) DO UPDATE SET files = usage.files + excluded.files, bytes = usage.bytes + excluded.bytes,
    staged_names = usage.staged_names + excluded.staged_names, staged_bytes = usage.staged_bytes + excluded.staged_bytes,
    text_bytes = usage.text_bytes + excluded.text_bytes, held = usage.held + excluded.held;

-- What the counters count, row by row: tests compare.
-- name: BLOB_SUMMED
SELECT name, size, footprint, properties, metadata FROM blob WHERE request = $1;

-- name: STAGING_SUMMED
SELECT bytes FROM staging WHERE request = $1;

-- name: HOLDING_GET
SELECT bytes FROM holding WHERE workspace = $1 AND subject = $2;

-- name: HOLDING_ADD
INSERT INTO holding (workspace, subject, bytes) VALUES ($1, $2, $3)
ON CONFLICT (workspace, subject) DO UPDATE SET bytes = holding.bytes + excluded.bytes;

-- name: COMMIT_PAST_ADD
INSERT INTO commit_past (id, request, name, etag, modified, ended) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING;

-- name: COMMIT_PAST_GET
SELECT etag, modified FROM commit_past WHERE id = $1 AND request = $2 AND name = $3;

-- name: COMMIT_PAST_FORGET
DELETE FROM commit_past WHERE ended < $1;

-- name: LINK_USE_ADD
INSERT INTO link_use (minute, link, address, kind) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: LINK_USE_FORGET
DELETE FROM link_use WHERE minute < $1;

-- name: LINK_ADD
INSERT INTO link (id, request, generation, subject, permissions, created, expires, first_address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: LINK_GET
SELECT request, generation, subject, permissions, expires, created, first_address FROM link WHERE id = $1;

-- name: LINK_BIND
UPDATE link SET first_address = $2 WHERE id = $1 AND first_address = '';

-- name: LINK_LEAKED
UPDATE link SET leaked = $2 WHERE id = $1 AND leaked IS NULL RETURNING subject;

-- Requests with a link that may still be in use: what was begun before $1 has ended.
-- name: LINK_LIVE_REQUESTS
SELECT id, workspace, dir, generation FROM request WHERE id IN
    (SELECT l.request FROM link l JOIN request r ON r.id = l.request AND r.generation = l.generation WHERE l.expires > $1);

-- name: LINK_PRUNE
DELETE FROM link WHERE id IN (SELECT id FROM link WHERE expires < $1 LIMIT 500);

-- name: USE_PRUNE
DELETE FROM use WHERE id IN (SELECT id FROM use WHERE sent = 0 AND minute < $1 LIMIT 500);

-- name: USE_ADD
INSERT INTO use (link, request, subject, name, address, minute, sent, closed) VALUES ($1, $2, $3, $4, $5, $6, 0, 0)
ON CONFLICT DO NOTHING RETURNING id;

-- name: USE_FIND
SELECT id FROM use WHERE link = $1 AND name = $2 AND address = $3 AND minute = $4;

-- name: USE_SENT
UPDATE use SET sent = sent + $2, closed = $3 WHERE id = $1;

-- Downloads whose last transfer ended before $1.
-- name: USE_ENDED
SELECT u.id, u.link, u.request, u.subject, u.name, u.address, u.sent, r.workspace FROM use u JOIN request r ON r.id = u.request
WHERE u.sent > 0 AND u.closed < $1 LIMIT 500;

-- name: USE_TOLD
UPDATE use SET sent = 0 WHERE id = $1;

-- name: JOB_ADD
INSERT INTO job (request, kind, worker, state, drained, origin, target, first_token, token, attempts, next_try, lease_until, created, since)
VALUES ($1, $2, $7, 'open', $3, $4, $5, 0, 0, 0, $6, 0, $6, $6) RETURNING id;

-- name: JOB_NEXT
SELECT id, request, kind, origin, target, first_token, token, attempts, since, policy FROM job
WHERE worker = $2 AND state = 'open' AND drained = 1 AND waits = 0 AND next_try <= $1 AND lease_until <= $1 ORDER BY next_try, id LIMIT 1;

-- name: JOB_LEASE
UPDATE job SET token = $2, first_token = CASE WHEN first_token = 0 THEN $2 ELSE first_token END, attempts = attempts + 1,
    lease_until = $3 WHERE id = $1;

-- name: JOB_GET
SELECT id, request, kind, origin, target, first_token, token, attempts, since, policy, state, lease_until, waits, report FROM job WHERE id = $1;

-- name: JOB_EXTEND
UPDATE job SET lease_until = $3 WHERE id = $1 AND token = $2 AND state = 'open' AND lease_until > 0;

-- name: JOB_DONE
UPDATE job SET state = 'done', lease_until = 0, error = NULL WHERE id = $1;

-- name: JOB_AGAIN
UPDATE job SET lease_until = 0, next_try = $2, error = $3 WHERE id = $1;

-- name: JOB_FAILED
UPDATE job SET state = 'failed', lease_until = 0, error = $2 WHERE id = $1;

-- The newest tokens stay candidates for where the bytes are; the older ones make room for new tries.
-- name: JOB_REOPEN
UPDATE job SET state = 'open', attempts = 0, next_try = $2, since = $2, lease_until = 0, error = NULL, waits = 0,
    first_token = CASE WHEN token - first_token > 30 THEN token - 30 ELSE first_token END
WHERE id = (SELECT max(id) FROM job WHERE request = $1 AND state = 'failed') RETURNING kind, id, first_token;

-- What takes a request's bytes away ends whatever else was to be done with them.
-- name: JOB_END_OPEN
UPDATE job SET state = 'done', lease_until = 0 WHERE request = $1 AND state = 'open';

-- A worker that is gone holds no lease; what it was doing did not fail.
-- name: JOB_RELEASE_ALL
UPDATE job SET lease_until = 0, attempts = attempts - 1, next_try = $1
WHERE worker = $2 AND state = 'open' AND lease_until > 0;

-- By what the gates were told to do: their result is judged by the same.
-- name: JOB_SET_POLICY
UPDATE job SET policy = $2 WHERE id = $1;

-- What waits for its next try does not wait any longer.
-- name: JOB_HURRY
UPDATE job SET next_try = $3, since = $3 WHERE request = $1 AND kind = $2 AND state = 'open' AND lease_until = 0
    AND waits = 0;

-- name: JOB_END_KIND
UPDATE job SET state = 'done', lease_until = 0 WHERE request = $1 AND kind = $2 AND state = 'open';

-- The job is not leased before its calls were answered. report: kept until then.
-- name: JOB_WAIT
UPDATE job SET waits = 1, lease_until = 0, report = $2, error = NULL WHERE id = $1;

-- name: JOB_GO
UPDATE job SET waits = 0, next_try = $2 WHERE id = $1;

-- name: CALL_ADD
INSERT INTO external_call (request, job, gate, step, manifest_digest, message, state, created, deadline, next_try, lease_until,
    token, attempts, program)
VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $7, 0, 0, 0, $9);

-- name: CALL_NEXT
SELECT id, request, gate, step, manifest_digest, message, created, deadline, token, job FROM external_call
WHERE state = 'open' AND program = 0 AND delivered IS NULL AND next_try <= $1 AND lease_until <= $1 AND deadline > $1
    AND job IN (SELECT id FROM job WHERE state = 'open' AND waits = 1)
ORDER BY next_try, id LIMIT 1;

-- name: CALL_LEASE
UPDATE external_call SET token = token + 1, attempts = attempts + 1, lease_until = $2 WHERE id = $1;

-- name: CALL_GET
SELECT token, state, lease_until, attempts, gate, request FROM external_call WHERE id = $1;

-- name: CALL_DELIVERED
UPDATE external_call SET delivered = $2, lease_until = 0, error = NULL WHERE id = $1;

-- name: CALL_AGAIN
UPDATE external_call SET next_try = $2, lease_until = 0, error = $3 WHERE id = $1;

-- A process that is gone holds no lease.
-- name: CALL_RELEASE_ALL
UPDATE external_call SET lease_until = 0, next_try = $1 WHERE state = 'open' AND lease_until > 0;

-- The last call of a check, whatever became of it.
-- name: CALL_OF_GATE
SELECT id, job, state, deadline, answer, manifest_digest FROM external_call WHERE request = $1 AND gate = $2 AND program = 0
ORDER BY id DESC LIMIT 1;

-- name: CALL_ANSWER
UPDATE external_call SET state = 'answered', answer = $2, answered = $3, answered_by = $4, lease_until = 0 WHERE id = $1;

-- name: CALL_END_JOB
UPDATE external_call SET state = 'ended', lease_until = 0 WHERE job = $1 AND state = 'open';

-- What was answered in an earlier run of the job counts no more.
-- name: CALL_FORGET_ANSWERS
UPDATE external_call SET state = 'ended' WHERE job = $1 AND state = 'answered';

-- name: CALL_OPEN_OF_JOB
SELECT gate, error, deadline, program FROM external_call WHERE job = $1 AND state = 'open' ORDER BY id;

-- name: CALL_ANSWERS_OF_JOB
SELECT gate, answer, answered, answered_by FROM external_call WHERE job = $1 AND state = 'answered' ORDER BY id;

-- The programs that a step job runs for the job that waits.
-- name: CALL_PROGRAMS
SELECT id, gate, job, manifest_digest FROM external_call WHERE request = $1 AND state = 'open' AND program = 1 ORDER BY id;

-- name: CALL_PROGRAMS_UNSURE
UPDATE external_call SET error = $2 WHERE request = $1 AND state = 'open' AND program = 1;

-- name: CALL_STEP_OF_JOB
SELECT step FROM external_call WHERE job = $1 ORDER BY id DESC LIMIT 1;

-- name: CALL_EXPIRED
SELECT job FROM external_call WHERE state = 'open' AND deadline <= $1 ORDER BY id LIMIT 1;

-- An operator lets the receivers be called again at once.
-- name: CALL_HURRY
UPDATE external_call SET delivered = NULL, next_try = $2 WHERE request = $1 AND state = 'open' AND program = 0 AND lease_until = 0;

-- name: GATE_REPORT_ADD
INSERT INTO gate_report (request, manifest_digest, at, verdict, policy, policy_digest, gates) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: GATE_REPORT_LAST
SELECT manifest_digest, at, verdict, policy, policy_digest, gates FROM gate_report WHERE request = $1 ORDER BY id DESC LIMIT 1;

-- name: REQUEST_SET_GATE_REPORT
UPDATE request SET gate_report = $2, policy_note = $3 WHERE id = $1;

-- name: GATE_CHECK_BEGIN
INSERT INTO gate_check (request, started, finished, state, detail, verdict, policy, gates, files)
VALUES ($1, $2, NULL, 'running', NULL, NULL, NULL, NULL, $3)
ON CONFLICT (request) DO UPDATE SET started = $2, finished = NULL, state = 'running', detail = NULL, verdict = NULL, policy = NULL,
    gates = NULL, files = $3;

-- name: GATE_CHECK_END
UPDATE gate_check SET finished = $2, state = $3, detail = $4, verdict = $5, policy = $6, gates = $7 WHERE request = $1;

-- name: GATE_CHECK_GET
SELECT started, finished, state, detail, verdict, policy, gates, files FROM gate_check WHERE request = $1;

-- name: GATE_CHECK_FORGET
DELETE FROM gate_check WHERE request = $1;

-- name: EVENT_NEXT_SEQUENCE
INSERT INTO event_count (request, sequence) VALUES ($1, 1)
ON CONFLICT (request) DO UPDATE SET sequence = sequence + 1 RETURNING sequence;

-- name: EVENT_ADD
INSERT INTO event (request, workspace, version, kind, sequence, at, document) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id;

-- name: EVENTS_OF_REQUEST
SELECT sequence, version, kind, document FROM event WHERE request = $1 ORDER BY sequence;

-- name: EVENT_FIRST_AFTER
SELECT id, at FROM event WHERE id > $1 ORDER BY id LIMIT 1;

-- name: EVENT_NEWEST
SELECT id FROM event ORDER BY id DESC LIMIT 1;

-- The live feed, a stretch of ids at a time: of a workspace, of all, and of what a person has to do with.
-- name: FEED_OF_WORKSPACE
SELECT e.id, e.kind, e.request, e.workspace, e.version, e.sequence, e.at, e.document, r.creator
FROM event e JOIN request r ON r.id = e.request
WHERE e.workspace = $1 AND e.id > $2 AND e.id <= $3 ORDER BY e.id LIMIT $4;

-- name: FEED_OF_ALL
SELECT e.id, e.kind, e.request, e.workspace, e.version, e.sequence, e.at, e.document, r.creator
FROM event e JOIN request r ON r.id = e.request
WHERE $1 <> '' AND e.id > $2 AND e.id <= $3 ORDER BY e.id LIMIT $4;

-- name: FEED_OF_PERSON
SELECT e.id, e.kind, e.request, e.workspace, e.version, e.sequence, e.at, e.document, r.creator
FROM event e JOIN request r ON r.id = e.request
WHERE e.id > $2 AND e.id <= $3 AND (r.creator = $1
    OR EXISTS (SELECT 1 FROM assignment a WHERE a.subject = $1 AND a.workspace = e.workspace
               AND a.role IN ('AirlockManager', 'WorkspaceOwner'))
    OR EXISTS (SELECT 1 FROM seen_role s WHERE s.subject = $1 AND s.workspace = e.workspace
               AND s.role IN ('AirlockManager', 'WorkspaceOwner')))
ORDER BY e.id LIMIT $4;

-- The newest stays, so that no id is ever given away twice.
-- name: EVENT_PRUNE
DELETE FROM event WHERE id >= $1 AND id < $2 AND at < $3 AND id < (SELECT max(id) FROM event)
    AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.event = event.id)
    AND NOT EXISTS (SELECT 1 FROM digest_item i WHERE i.event = event.id);

-- name: DELIVERY_ADD
INSERT INTO delivery (event, endpoint, subject, detail, state, next_try, lease_until, token, leases, attempts, created)
VALUES ($1, $2, $3, $4, 'open', $5, 0, 0, 0, 0, $5) ON CONFLICT DO NOTHING;

-- Nobody is told, and it is on record why.
-- name: DELIVERY_ADD_SKIPPED
INSERT INTO delivery (event, endpoint, subject, detail, state, next_try, lease_until, token, leases, attempts, error, created)
VALUES ($1, $2, $3, $4, 'skipped', $5, 0, 0, 0, 0, $6, $5) ON CONFLICT DO NOTHING;

-- name: DELIVERY_NEXT
SELECT d.id, d.event, d.endpoint, d.subject, d.detail, d.leases, d.attempts, e.request, e.workspace, e.version, e.kind, e.sequence,
    e.at, e.document
FROM delivery d JOIN event e ON e.id = d.event
WHERE d.endpoint = $1 AND d.state = 'open' AND d.next_try <= $2 ORDER BY d.next_try LIMIT 1;

-- A try counts when it ends without success, or without a word.
-- name: DELIVERY_LEASE
UPDATE delivery SET token = $2, leases = leases + 1, attempts = attempts + 1, lease_until = $3, next_try = $3 WHERE id = $1;

-- name: DELIVERY_LEASED
SELECT d.id, d.event, d.endpoint, d.subject, d.detail, d.leases, d.attempts, e.request, e.workspace, e.version, e.kind, e.sequence,
    e.at, e.document
FROM delivery d JOIN event e ON e.id = d.event
WHERE d.id = $1 AND d.token = $2 AND d.state = 'open' AND d.lease_until > 0;

-- name: DELIVERY_DONE
DELETE FROM delivery WHERE id = $1;

-- Nothing was to be sent any more, unless it was said why.
-- name: DELIVERY_DONE_UNSENT
DELETE FROM delivery WHERE id = $1 AND state = 'open';

-- name: DELIVERY_AGAIN
UPDATE delivery SET next_try = $2, lease_until = 0, error = $3 WHERE id = $1;

-- name: DELIVERY_END
UPDATE delivery SET state = $2, lease_until = 0, error = $3 WHERE id = $1;

-- A process that is gone holds no lease, and what it held was no try.
-- name: DELIVERY_RELEASE_ALL
UPDATE delivery SET lease_until = 0, next_try = $1, attempts = attempts - 1 WHERE lease_until > 0;

-- name: DELIVERY_NEXT_ENDPOINT
SELECT endpoint FROM delivery WHERE endpoint > $1 ORDER BY endpoint LIMIT 1;

-- name: DELIVERY_ORPHAN
UPDATE delivery SET state = 'dead', lease_until = 0, error = $2 WHERE endpoint = $1 AND state = 'open';

-- What is being sent has its chance.
-- name: DELIVERY_GIVE_UP
UPDATE delivery SET state = 'dead', lease_until = 0, error = coalesce(error, $4)
WHERE id IN (SELECT id FROM delivery WHERE endpoint = $1 AND state = 'open' AND created < $2 AND lease_until <= $3 ORDER BY created LIMIT $5);

-- name: DELIVERY_PRUNE
DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE endpoint = $1 AND state = $2 AND created < $3 ORDER BY created LIMIT $4);

-- name: DELIVERY_OLDEST
SELECT min(created) FROM delivery WHERE endpoint = $1 AND state = 'open';

-- name: DELIVERY_COUNT
SELECT count(*) FROM delivery WHERE endpoint = $1 AND state = $2;

-- name: DELIVERY_GET
SELECT endpoint, state FROM delivery WHERE id = $1;

-- name: DELIVERY_LIST
SELECT d.id, d.created, d.next_try, d.lease_until, d.attempts, d.error, e.request, e.workspace, e.version, e.kind, e.sequence
FROM delivery d JOIN event e ON e.id = d.event
WHERE d.endpoint = $1 AND d.state = $2 AND (d.created, d.id) > ($3, $4) ORDER BY d.created, d.id LIMIT $5;

-- One that waits for its next try is tried now, as if it had come now; what was never due keeps its date, and what is being
-- sent is left alone.
-- name: DELIVERY_REPLAY
UPDATE delivery SET state = 'open', next_try = CASE WHEN attempts = 0 AND next_try > $2 THEN next_try ELSE $2 END,
    created = CASE WHEN attempts = 0 AND created > $2 THEN created ELSE $2 END, attempts = 0, leases = 0 WHERE id = $1 AND lease_until = 0;

-- name: DELIVERY_REPLAY_SOME
UPDATE delivery SET state = 'open', next_try = CASE WHEN attempts = 0 AND next_try > $3 THEN next_try ELSE $3 END,
    created = CASE WHEN attempts = 0 AND created > $3 THEN created ELSE $3 END, attempts = 0, leases = 0
WHERE id IN (SELECT id FROM delivery WHERE endpoint = $1 AND state = 'dead' LIMIT $2);

-- name: DELIVERY_DROP
DELETE FROM delivery WHERE id = $1;

-- name: DELIVERY_DROP_SOME
DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE endpoint = $1 AND state = 'dead' LIMIT $2);

-- name: DRAIN_ADD
INSERT INTO drain (request, generation, dir) VALUES ($1, $2, $3);

-- name: DRAIN_LIST
SELECT request, dir, generation FROM drain ORDER BY request, generation;

-- name: DRAIN_DONE
DELETE FROM drain WHERE request = $1 AND generation = $2;

-- A drain speaks of the generations below its own: one that was asked for earlier says nothing of writers allowed since.
-- name: JOB_SET_DRAINED
UPDATE job SET drained = 1 WHERE request = $1 AND drained = 0
    AND (SELECT generation FROM request WHERE id = $1) <= $2;

-- name: JOB_LIST
SELECT id, request, kind, state, attempts, next_try, lease_until, error, created FROM job WHERE state <> 'done' ORDER BY id LIMIT 1000;

-- name: JOB_OPEN_ORIGIN
SELECT 1 FROM job WHERE request = $1 AND state <> 'done' LIMIT 1;

-- name: AUDIT_ADD
INSERT INTO audit (at, kind, workspace, request, subject, address, detail) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: AUDIT_LIST
SELECT id, at, kind, workspace, request, subject, address, detail FROM audit
WHERE id > $1 AND ($2 = '' OR request = $2) ORDER BY id LIMIT $3;

-- name: SCHEMA_LIST
SELECT version, sha256 FROM schema_version ORDER BY version;

-- name: SCHEMA_ADD
INSERT INTO schema_version (version, name, sha256, applied) VALUES ($1, $2, $3, $4);

-- name: SAS_KEY_LIST
SELECT id, wrapped, retires FROM sas_key ORDER BY id DESC LIMIT 2;

-- name: SAS_KEY_ADD
INSERT INTO sas_key (id, wrapped, created) VALUES ($1, $2, $3);

-- name: SAS_KEY_RETIRE
UPDATE sas_key SET retires = $1 WHERE retires IS NULL;

-- name: SAS_KEY_DROP_ALL
DELETE FROM sas_key;

-- name: SAS_KEY_DROP
DELETE FROM sas_key WHERE retires <= $1;

-- name: WORKSPACE_LONGEST_LINK
SELECT max(CASE WHEN notice_link > link_lifetime THEN notice_link ELSE link_lifetime END) FROM workspace;

-- name: HIGH_WATER_GET
SELECT time FROM high_water WHERE id = 1;

-- name: HIGH_WATER_PUT
INSERT INTO high_water (id, time) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET time = excluded.time;

-- name: PROVIDER_KEYS_GET
SELECT document, fetched FROM provider_keys WHERE issuer = $1;

-- name: PROVIDER_KEYS_PUT
INSERT INTO provider_keys (issuer, document, fetched) VALUES ($1, $2, $3)
ON CONFLICT (issuer) DO UPDATE SET document = excluded.document, fetched = excluded.fetched;

-- Through the view each look would read everybody's.
-- name: MEMBER_ROLES
SELECT role FROM assignment WHERE workspace = $1 AND subject = $2 UNION
SELECT role FROM seen_role WHERE workspace = $1 AND subject = $2;

-- name: NOTICE_ROLES
SELECT role FROM assignment WHERE workspace = $1 AND subject = $2 UNION
SELECT role FROM seen_role WHERE workspace = $1 AND subject = $2 UNION
SELECT role FROM group_seen WHERE workspace = $1 AND subject = $2;

-- name: GROUP_SEEN
SELECT role, seen FROM group_seen WHERE workspace = $1 AND subject = $2;

-- name: GROUP_SEEN_ADD
INSERT INTO group_seen (workspace, subject, role, seen) VALUES ($1, $2, $3, $4);

-- name: GROUP_SEEN_FORGET
DELETE FROM group_seen WHERE workspace = $1 AND subject = $2;

-- name: GROUP_SEEN_PRUNE
DELETE FROM group_seen WHERE seen < $1;

-- name: SEEN_ROLES
SELECT role, seen FROM seen_role WHERE workspace = $1 AND subject = $2;

-- name: SEEN_ROLE_ADD
INSERT INTO seen_role (workspace, subject, role, seen) VALUES ($1, $2, $3, $4);

-- name: SEEN_ROLES_FORGET
DELETE FROM seen_role WHERE workspace = $1 AND subject = $2;

-- name: SEEN_ROLES_PRUNE
DELETE FROM seen_role WHERE seen < $1;

-- name: WORKSPACE_SET_CLIENT
UPDATE workspace SET client_id = $2 WHERE id = $1;
