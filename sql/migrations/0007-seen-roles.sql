-- Roles come from tokens where the identity provider keeps them (auth.roles_from = claim). What a person's last workspace token said
-- tells who may see that there is the workspace; what they may do there is told by each token anew.

CREATE TABLE seen_role (
    workspace TEXT NOT NULL REFERENCES workspace (id),
    subject   TEXT NOT NULL,
    role      TEXT NOT NULL,
    seen      INTEGER NOT NULL,                 -- when, give or take a day
    PRIMARY KEY (workspace, subject, role)
);
CREATE INDEX seen_role_by_subject ON seen_role (subject, workspace);

CREATE VIEW member AS SELECT workspace, subject, role FROM assignment UNION SELECT workspace, subject, role FROM seen_role;
