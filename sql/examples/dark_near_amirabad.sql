-- One row per ship: which ships went dark near Amirabad in the last complete month?
-- Likeliest first. For June 2023 ask ships_dark_near('amirabad', '2023-06'); Neka is part of the
-- group. `gaps` holds every silence of 4 h and more that began there, whatever its cause, so a ship
-- with many gaps and an `expected_off` near 0 was out of reach of receivers, not dark.
select
    month,
    ship_id,
    name,
    flag,
    fleet,
    expected_off,
    probable_off,
    gaps,
    open_gaps,
    longest_h,
    causes,
    probable_calls,
    possible_calls
from ships_dark_near('amirabad')
order by expected_off desc, longest_h desc, ship_id asc
