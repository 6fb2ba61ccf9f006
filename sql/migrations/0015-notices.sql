-- Notices: what people chose to hear of and when, the events that a summary tells of, links in mails.

CREATE TABLE notice_choice (
    subject TEXT NOT NULL PRIMARY KEY,
    choice  TEXT NOT NULL                       -- model/notice_choice.def
);

-- The delivery is the summary; its set of events is fixed when it is first sent, so that each try sends the same.
CREATE TABLE digest_item (
    delivery INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    event    INTEGER NOT NULL REFERENCES event (id),
    PRIMARY KEY (delivery, event)
);
CREATE INDEX digest_item_by_event ON digest_item (event);
CREATE INDEX delivery_by_subject ON delivery (subject, endpoint) WHERE subject <> '';

-- Seconds that the link in the mail about an approved request lives; 0: none.
ALTER TABLE workspace ADD COLUMN notice_link INTEGER NOT NULL DEFAULT 0;
-- NULL: any address may use the link; '': the first that does is the only one.
ALTER TABLE link ADD COLUMN first_address TEXT;

-- Roles that groups in a person's last token of the workspace gave, so that they can be written to. They open nothing.
CREATE TABLE group_seen (
    workspace TEXT NOT NULL REFERENCES workspace (id),
    subject   TEXT NOT NULL,
    role      TEXT NOT NULL,
    seen      INTEGER NOT NULL,                 -- when, give or take a day
    PRIMARY KEY (workspace, subject, role)
);
CREATE INDEX group_seen_by_age ON group_seen (seen);
