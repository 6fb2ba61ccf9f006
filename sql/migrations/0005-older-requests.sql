-- What earlier programs left in requests that were there already.

-- 0002 counted the characters of names, headers and metadata. Everything else counts their bytes.
UPDATE usage SET text_bytes = coalesce((SELECT sum(length(CAST(name AS BLOB)) + length(CAST(properties AS BLOB)) + length(CAST(metadata AS BLOB)))
    FROM blob WHERE blob.request = usage.request), 0);

-- A seal forgets the block ids, which a client chose: they must not leave with the file. Earlier seals did not.
UPDATE extent SET block_id = NULL WHERE blob IN (SELECT id FROM blob WHERE object IS NOT NULL);
