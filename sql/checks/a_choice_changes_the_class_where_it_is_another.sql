-- A choice changes the class where its class is not the headline's.
select
    sensitivity.scope,
    sensitivity.choice,
    sensitivity.value,
    sensitivity.rating,
    headline.rating as headline_rating,
    sensitivity.is_changed
from sensitivity
left join sensitivity as headline
    on sensitivity.scope = headline.scope and headline.choice = 'headline'
where
    headline.rating is null
    or sensitivity.is_changed is distinct from (sensitivity.rating <> headline.rating)
    or (sensitivity.rating is null and sensitivity.expected_12m is not null)
order by sensitivity.scope, sensitivity.choice, sensitivity.value
