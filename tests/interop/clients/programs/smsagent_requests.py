"""The document's Python client: users, a message, the overview."""

# mypy: disable-error-code="no-untyped-call"
# ruff: noqa: T201
import json
import os

import requests


class SMSAgentAPI:
    def __init__(self, base_url, token):
        self.base_url = base_url
        self.headers = {"Authorization": f"Token {token}"}

    def get_users(self, page=1, tier=None):
        params = {"page": page}
        if tier:
            params["tier"] = tier

        response = requests.get(f"{self.base_url}/users/", headers=self.headers, params=params)
        return response.json()

    def send_message(self, phone_number, message):
        data = {"message": message}
        response = requests.post(
            f"{self.base_url}/users/{phone_number}/send_message/", headers=self.headers, json=data
        )
        return response.json()

    def get_analytics(self, start_date=None, end_date=None):
        params = {}
        if start_date:
            params["start_date"] = start_date
        if end_date:
            params["end_date"] = end_date

        response = requests.get(
            f"{self.base_url}/analytics/overview/", headers=self.headers, params=params
        )
        return response.json()


# Usage
api = SMSAgentAPI(os.environ["API_BASE"], os.environ["TOKEN"])
users = api.get_users(tier="premium")
analytics = api.get_analytics()

# What it defines, and does not use itself
message = api.send_message(os.environ["TO_PHONE"], "Welcome to premium tier!")
dated = api.get_analytics(start_date="2024-01-01", end_date="2024-01-31")
everybody = api.get_users()
print(
    json.dumps(
        {
            "users": users,
            "analytics": analytics,
            "message": message,
            "dated": dated,
            "everybody": everybody,
        }
    )
)
