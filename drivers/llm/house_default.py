"""The agent that answers when none is configured: a small telephone company's service line.

Its phrases are far from each other in sound, and most of them exist as recorded prompts, so that
the demonstration can say them in a human voice.
"""

from .house_settings import Answer, Collect, HouseSettings, OpeningHours

DEFAULT_AGENT = HouseSettings(
    greeting=(
        "Hello, this is Offhook. You can ask for a service by name, for example call forwarding"
        " or call waiting. How can I help you?"
    ),
    answers=(
        Answer(
            name="call_forwarding",
            key="1",
            phrases=("call forwarding",),
            say=(
                "Call forwarding sends your calls to another telephone. You can forward every"
                " call, or only those that come while your line is busy, or those that nobody"
                " answers within twenty seconds. To turn it on, dial star seven two, wait for the"
                " tone, and enter the number that should ring instead. To turn it off again, dial"
                " star seven three. Calls that are forwarded are charged as if you had made them"
                " yourself."
            ),
        ),
        Answer(
            name="call_waiting",
            key="2",
            phrases=("call waiting",),
            say=(
                "Call waiting tells you with a short tone that another caller is on the line."
                " Press the hook for a moment to change between the two."
            ),
        ),
        Answer(
            name="do_not_disturb",
            key="3",
            phrases=("do not disturb",),
            say="Do not disturb keeps your telephone silent. Dial star seven eight to begin.",
        ),
        Answer(
            name="speed_dial",
            key="4",
            phrases=("speed dial",),
            say="With speed dial, one key calls a number that you have stored.",
        ),
        Answer(
            name="telephone_number",
            key="5",
            phrases=("telephone number", "to call this number"),
            say="Please enter your number, followed by pound.",
            collect=Collect(then="number_entered", max_digits=15, min_digits=3),
        ),
        Answer(
            name="number_entered",
            say="You entered {digits_spoken}. Thank you. What else can I do for you?",
            listed=False,
        ),
        Answer(
            name="hours",
            key="6",
            phrases=("opening hours", "hours"),
            say="We are {open_now} now. Our hours are {hours}.",
        ),
        Answer(
            name="time",
            phrases=("what time is it", "time"),
            say="It is {time}, on {date}.",
            listed=False,
        ),
        Answer(
            name="last_call",
            key="7",
            phrases=("information about your last call",),
            say="The number that you are calling from is {caller_number}.",
            listed=False,
        ),
        Answer(
            name="help",
            key="0",
            phrases=("help me please", "what can i say"),
            say="You can say {choices}. {keys}",
            listed=False,
        ),
        Answer(
            name="again",
            key="*",
            phrases=("please try again", "say that again"),
            say="Once more.",
            repeat=True,
            listed=False,
        ),
        Answer(
            name="hello",
            phrases=("hello",),
            say="Hello! Which service would you like to hear about?",
            listed=False,
        ),
        Answer(
            name="thank_you",
            phrases=("thank you",),
            say="You are welcome. Is there anything else?",
            listed=False,
        ),
        Answer(
            name="goodbye",
            key="9",
            phrases=("goodbye",),
            say="Thank you for calling Offhook. Goodbye.",
            hang_up=True,
        ),
    ),
    hours=(
        OpeningHours(days=("mon", "tue", "wed", "thu", "fri"), opens="09:00", closes="17:30"),
        OpeningHours(days=("sat",), opens="10:00", closes="12:00"),
    ),
)
