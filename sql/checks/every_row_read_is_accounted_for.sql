-- Every row read is accepted, a duplicate, outside or rejected.
select
    feed,
    file,
    read,
    accepted,
    duplicate,
    outside,
    rejected
from files
where read <> accepted + duplicate + outside + rejected
order by feed, file
