// The document's JavaScript client: users, a message, the overview.
class SMSAgentAPI {
    constructor(baseUrl, token) {
        this.baseUrl = baseUrl;
        this.headers = {
            'Authorization': `Token ${token}`,
            'Content-Type': 'application/json'
        };
    }

    async getUsers(page = 1, tier = null) {
        const params = new URLSearchParams({ page });
        if (tier) params.append('tier', tier);

        const response = await fetch(`${this.baseUrl}/users/?${params}`, {
            headers: this.headers
        });
        return response.json();
    }

    async sendMessage(phoneNumber, message) {
        const response = await fetch(`${this.baseUrl}/users/${phoneNumber}/send_message/`, {
            method: 'POST',
            headers: this.headers,
            body: JSON.stringify({ message })
        });
        return response.json();
    }

    async getAnalytics(startDate = null, endDate = null) {
        const params = new URLSearchParams();
        if (startDate) params.append('start_date', startDate);
        if (endDate) params.append('end_date', endDate);

        const response = await fetch(`${this.baseUrl}/analytics/overview/?${params}`, {
            headers: this.headers
        });
        return response.json();
    }
}

// Usage
const api = new SMSAgentAPI(process.env.API_BASE, process.env.TOKEN);
const users = await api.getUsers(1, 'premium');
const analytics = await api.getAnalytics();

// What it defines, and does not use itself
const message = await api.sendMessage(process.env.TO_PHONE, 'Welcome to premium tier!');
const dated = await api.getAnalytics('2024-01-01', '2024-01-31');
const everybody = await api.getUsers();
console.log(JSON.stringify({ users, analytics, message, dated, everybody }));
