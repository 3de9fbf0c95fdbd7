"""What machines say, in five languages; what people say is none of it."""

import pytest

from offhook.media.conversation.machine_words import PHRASES, Says, folded, what_says

MACHINES = {
    "Please leave a message after the tone. When done press the pound key.": Says.TONE,
    "Hi, this is Alex, leave a message!": Says.MAILBOX,
    "You've reached the Millers. We can't come to the phone right now.": Says.MAILBOX,
    "The person at extension two zero one is unavailable": Says.ABSENCE,
    "Thank you for calling. For sales, press one.": Says.MENU,
    "Press the number 2 to go on": Says.MENU,
    "All of our representatives are busy. Please stay on the line.": Says.MENU,
    "The number you have dialed is not in service.": Says.NETWORK,
    "Por favor deje su mensaje después del tono.": Says.TONE,
    "La persona en la extensión tres no está libre": Says.ABSENCE,
    "Marque 5 para dejar mensaje": Says.MENU,
    "El número que usted ha marcado está fuera de servicio.": Says.NETWORK,
    "Veuillez laisser votre message après le bip sonore.": Says.TONE,
    "Bonjour, vous êtes bien chez Paul.": Says.MAILBOX,
    "Pour le service, appuyez sur le deux": Says.MENU,
    "Le numéro composé n'est pas en service.": Says.NETWORK,
    "Prego lasciare un messaggio dopo il segnale acustico.": Says.TONE,
    "Premere 3 per le opzioni": Says.MENU,
    "Il numero che ha digitato non è in uso.": Says.NETWORK,
    "Оставьте сообщение после сигнала.": Says.TONE,
    "Нажмите три для расширенных настроек.": Says.MENU,
    "Набранный вами номер отключён.": Says.NETWORK,
    "Абонент с номером пять недоступен": Says.ABSENCE,
}
PEOPLE = [
    "",
    "Hello?",
    "Hello, Anna speaking, how can I help you?",
    "Smith and Sons, good morning.",
    "Yes, who is there?",
    "I have one question.",
    "¿Diga?",
    "Allô, oui, bonjour",
    "Pronto, chi parla?",
    "Алло, слушаю вас",
    "Good morning, Anna of the express service",
]


@pytest.mark.parametrize(("text", "says"), MACHINES.items())
def test_machine_gives_itself_away(text: str, says: Says) -> None:
    assert what_says(text) is says


@pytest.mark.parametrize("text", PEOPLE)
def test_what_people_say_gives_nothing_away(text: str) -> None:
    assert what_says(text) is None


def test_phrases_are_whole_words() -> None:
    assert what_says("the scandal onerous") is None
    assert what_says("impress one") is None


def test_every_phrase_of_the_table_is_found_whatever_its_accents_and_case() -> None:
    for says, phrases in PHRASES.items():
        order = list(PHRASES)
        for phrase in phrases:
            assert phrase == folded(phrase), "the table is written as it is compared"
            found = what_says(f"Well, {phrase.upper()}!")
            assert found is not None
            # A phrase may hold another one that counts more; never one that counts less.
            assert found is Says.MENU or order.index(found) <= order.index(says)
