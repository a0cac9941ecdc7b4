\set i :i + 1
\set index :first + :i * :clients + :client_id
\set tenant :first_tenant + :index % :tenants
\set p (:index / :tenants * 2654435761) % (:contacts * 45)
\set n :p / 45 + 1
\set j :p % 45
\set k (:j / 9) * 10 + (9 - :n % 10 + 1 + :j % 9) % 10 + 1
