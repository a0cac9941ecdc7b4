-- The former content cannot be restored; the earlier version reads no other.
DELETE FROM requests;
