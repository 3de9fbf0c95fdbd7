"""What people, mailboxes and menus say, in five languages, spoken by espeak-ng's voices."""

import asyncio
import random

import numpy as np
from numpy.typing import NDArray

from ...drivers.tts.espeak import EspeakSynthesizer
from ...media.speech_ports import SpeechAudio, SpeechRequest

VARIANTS = ("", "+m1", "+m3", "+m7", "+f1", "+f2", "+f3", "+f5")
SPEEDS = (0.85, 1.0, 1.2)
LANGUAGES = {"en": "en-us", "es": "es", "fr": "fr", "it": "it", "ru": "ru"}
"And their voices."

TEXTS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "hello": ("Hello?", "Yes?", "Hi.", "Yeah, hello?"),
        "name": ("Hello, Anna speaking.", "Miller.", "This is John, who is there?"),
        "business": (
            "Good morning, Smith and Sons, Anna speaking. How can I help you?",
            "Thank you for calling the bakery, this is Tom, what can I do for you?",
        ),
        "talk": (
            "Well, I have been thinking about it and I would like to come on Tuesday.",
            "The last time it took a while until somebody came and looked at it.",
        ),
        "mailbox": (
            "Hi, this is Alex. I can't come to the phone right now, so please leave your name and"
            " number after the beep and I will get back to you.",
            "You have reached the Millers. We are not at home. Leave a message after the tone.",
        ),
        "short mailbox": ("Leave a message.", "Hi, it's Alex. You know what to do."),
        "menu": (
            "Welcome to the city hospital. For appointments, press one. For billing, press two."
            " For all other questions, press zero or stay on the line.",
        ),
    },
    "es": {
        "hello": ("¿Diga?", "¿Bueno?", "¿Sí?", "Hola."),
        "name": ("Hola, soy Ana.", "¿Sí, quién habla?"),
        "business": ("Buenos días, panadería López, le atiende Carmen. ¿En qué puedo ayudarle?",),
        "talk": ("Pues lo estuve pensando y me gustaría ir el martes por la tarde, si se puede.",),
        "mailbox": (
            "Hola, soy Alejandro. Ahora no puedo atender la llamada. Deje su mensaje después de la"
            " señal y le llamaré en cuanto pueda.",
        ),
        "short mailbox": ("Deja tu mensaje.",),
        "menu": (
            "Bienvenido al hospital. Para citas, marque uno. Para facturas, marque dos. Para otras"
            " preguntas, permanezca en la línea.",
        ),
    },
    "fr": {
        "hello": ("Allô ?", "Oui ?", "Oui, allô ?", "Bonjour."),
        "name": ("Allô, c'est Anne.", "Oui, Martin à l'appareil."),
        "business": (
            "Bonjour, boulangerie Dupont, Anne à l'appareil, que puis-je faire pour vous ?",
        ),
        "talk": ("Eh bien, j'y ai réfléchi et j'aimerais passer mardi dans l'après-midi.",),
        "mailbox": (
            "Bonjour, vous êtes bien chez Paul. Je ne peux pas vous répondre pour le moment,"
            " laissez un message après le bip et je vous rappellerai.",
        ),
        "short mailbox": ("Laissez un message.",),
        "menu": (
            "Bienvenue à l'hôpital. Pour un rendez-vous, appuyez sur un. Pour la facturation,"
            " appuyez sur deux. Pour toute autre question, veuillez patienter.",
        ),
    },
    "it": {
        "hello": ("Pronto?", "Sì?", "Sì, pronto?"),
        "name": ("Pronto, sono Anna.", "Sì, chi parla?"),
        "business": ("Buongiorno, panificio Rossi, sono Carla, come posso aiutarla?",),
        "talk": ("Dunque, ci ho pensato e vorrei venire martedì pomeriggio, se possibile.",),
        "mailbox": (
            "Ciao, sono Marco. In questo momento non posso rispondere. Lasciate un messaggio dopo"
            " il segnale acustico e vi richiamerò appena possibile.",
        ),
        "short mailbox": ("Lasciate un messaggio.",),
        "menu": (
            "Benvenuti in ospedale. Per prenotazioni, premere uno. Per fatture, premere due. Per"
            " altre domande, rimanga in linea.",
        ),
    },
    "ru": {
        "hello": ("Алло?", "Да?", "Слушаю вас.", "Да, алло?"),
        "name": ("Алло, это Анна.", "Иванов слушает."),
        "business": ("Добрый день, пекарня Петрова, меня зовут Анна, чем могу помочь?",),
        "talk": ("Ну, я подумала и хотела бы прийти во вторник после обеда, если можно.",),
        "mailbox": (
            "Здравствуйте, это Алексей. Сейчас я не могу ответить. Оставьте сообщение после"
            " сигнала, и я вам перезвоню, как только смогу.",
        ),
        "short mailbox": ("Оставьте сообщение.",),
        "menu": (
            "Добро пожаловать в больницу. Для записи нажмите один. По вопросам оплаты нажмите два."
            " Или оставайтесь на линии.",
        ),
    },
}
"By language and kind. People's greetings last 0.2 to 5 s, mailboxes 0.7 to 11 s."

Pcm = NDArray[np.int16]


class Sayings:
    """All of one language, spoken by every voice at every speed."""

    def __init__(self, spoken: dict[str, list[tuple[Pcm, str]]]) -> None:
        self._spoken = spoken

    def pick(self, kind: str, rng: random.Random) -> tuple[Pcm, str]:
        """One of a kind, and its words."""
        return rng.choice(self._spoken[kind])


def speak(languages: list[str], rate_hz: int, variants: int = len(VARIANTS)) -> dict[str, Sayings]:
    """Every saying of these languages by `variants` voices, int16[n] at `rate_hz`."""
    return asyncio.run(_speak(languages, rate_hz, variants))


async def _speak(languages: list[str], rate_hz: int, variants: int) -> dict[str, Sayings]:
    synthesizer = EspeakSynthesizer()
    await synthesizer.start()
    try:
        return {
            language: Sayings(
                {
                    kind: [
                        (await _say(synthesizer, text, rate_hz, voice, speed), text)
                        for text in texts
                        for voice in _voices(language)[:variants]
                        for speed in SPEEDS
                    ]
                    for kind, texts in TEXTS[language].items()
                }
            )
            for language in languages
        }
    finally:
        await synthesizer.aclose()


def _voices(language: str) -> list[str]:
    return [LANGUAGES[language] + variant for variant in VARIANTS]


async def _say(
    synthesizer: EspeakSynthesizer, text: str, rate_hz: int, voice: str, speed: float
) -> Pcm:
    request = SpeechRequest(text, rate_hz, voice=voice, speed=speed)
    parts = [
        np.frombuffer(part.pcm, np.int16)
        async for part in synthesizer.synthesize(request)
        if isinstance(part, SpeechAudio)
    ]
    return np.concatenate(parts)
