INSERT INTO bare_memberships VALUES (:tenant, :k, :n, 1, now()) ON CONFLICT DO NOTHING;
