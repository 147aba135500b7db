"""Settings from the environment."""

import pytest

from dashboard.config import BadSettingError, DashboardConfig, DemoUser


def test_defaults_are_the_contract_s() -> None:
    config = DashboardConfig.from_environment({})
    assert (config.api_url, config.api_port, config.port) == ("http://127.0.0.1:8000", 8000, 8501)


def test_the_api_s_port_moves_its_address() -> None:
    assert DashboardConfig.from_environment({"HOMEBROKER_API_PORT": "81"}).api_url == "http://127.0.0.1:81"


def test_what_is_written_is_read() -> None:
    users = (DemoUser(username="ana", password='ç"; x', role="trader"),)
    config = DashboardConfig(api_url="http://api:80", api_port=7, host="::1", port=9, demo_users=users)
    assert DashboardConfig.from_environment(config.environment()) == config


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HOMEBROKER_API_PORT", "0"),
        ("HOMEBROKER_DASHBOARD_PORT", "65536"),
        ("HOMEBROKER_DASHBOARD_PORT", "eighty"),
        ("HOMEBROKER_DASHBOARD_PORT", "²"),
        ("HOMEBROKER_API_URL", "localhost:8000"),
    ],
)
def test_a_bad_setting_is_named(name: str, text: str) -> None:
    with pytest.raises(BadSettingError, match=name):
        DashboardConfig.from_environment({name: text})
