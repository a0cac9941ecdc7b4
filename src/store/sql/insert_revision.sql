-- Logs revision $2 of tenant $1: $3 time, $4 request id, $19 the id of the commit, $22 who made it.
INSERT INTO revisions (tenant_id, revision, commit_time, request_id, commit_id, actors)
VALUES ($1, $2, $3, $4, $19, $22)
