SELECT group_id, code, description, company_count, person_count, revision, create_time, update_time
FROM mailing_groups WHERE tenant_id = 1 AND code = :code;
