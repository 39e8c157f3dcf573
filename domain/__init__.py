"""The business in plain Python: people, calls, conversations, bookings.

No I/O, no clock: `now` and `new_id` are arguments.
"""
