-- References that every write proves by itself, under the lock of the tenant's row in clocks: it looks up the
-- contact and the group of a membership, deletes memberships with either, writes a revision with its changes, and
-- is of a tenant that exists, to which the row in clocks refers. PostgreSQL proved them again, row by row.
-- `mailing-groups check` proves them too.
--
-- Writes wait meanwhile, holding none of the tables below.
LOCK TABLE clocks IN EXCLUSIVE MODE;
ALTER TABLE memberships
    DROP CONSTRAINT memberships_group_id_fkey,
    DROP CONSTRAINT memberships_contact_number_fkey;
ALTER TABLE changes DROP CONSTRAINT changes_revision_fkey;
ALTER TABLE revisions DROP CONSTRAINT revisions_tenant_id_fkey;
ALTER TABLE contacts DROP CONSTRAINT contacts_tenant_id_fkey;
