"""Twilio and nothing else: REST out, webhooks in, TwiML back."""
