"""What a `Health` is made of: it has the numbers, and shows them."""

import pickle

from bpx import inspect
from bpx.inspect.health.fields import HealthFields
from tests.inspect.health.test_table import HEALTH


def test_a_health_is_its_fields():
    assert inspect.Health._fields == HealthFields._fields
    assert tuple(HealthFields(*HEALTH)) == HEALTH
    assert not hasattr(HEALTH, "__dict__")


def test_it_stays_a_health():
    others = HEALTH._replace(samples=7), pickle.loads(pickle.dumps(HEALTH))
    assert [type(each) for each in others] == [inspect.Health] * 2
    assert others[1] == HEALTH


def test_a_health_alone_shows_itself_as_a_table():
    assert str(HEALTH).startswith("health on 1,500 samples")
    assert str(HealthFields(*HEALTH)).startswith("HealthFields(")


def test_a_diagnosis_reads_the_numbers_alone():
    assert inspect.diagnose(HealthFields(*HEALTH)) == inspect.diagnose(HEALTH) != ()
