ALTER TABLE merged_contacts DROP COLUMN id;
