"""What machines say when they answer: voicemail, menus, the network. Tables and one rule. Pure.

Any of the languages may be spoken, whatever the agent's own is. Words are compared without accents
and punctuation. What a person says of somebody else ("she is not available") is told apart by the
listener, who knows how long the speech was (machine_detection.py).
"""

import enum
import re
import unicodedata

_WORD = re.compile(r"[\w']+")
NEAR_WORDS = 3
"At most so many words from `press` to its key: `press the number one`."


class Says(enum.Enum):
    """What words give away."""

    TONE = "tone"
    "A message may be left after a tone."
    NETWORK = "network"
    "The network's own announcement: there is no such number, it is switched off."
    MENU = "menu"
    "Keys are to be pressed, or somebody waits in a queue."
    MAILBOX = "mailbox"
    "A mailbox, or a message that may be left."
    ABSENCE = "absence"
    "Somebody is not there. A person may say that, too."


_TONE = """
after the tone | after the beep | at the tone | at the beep | at the sound of | after the signal
hear the tone | hear the beep | after this tone
despues del tono | despues de la senal | despues del bip | al escuchar el tono | tras la senal
tras el tono | al oir la senal
apres le bip | apres le signal | apres la tonalite | apres le son | au signal sonore
dopo il segnale | dopo il bip | dopo il tono | dopo il beep | al segnale acustico
после сигнала | после звукового сигнала | после гудка | после тонального сигнала | после бипа
"""
_NETWORK = """
number you have dialed | number you have dialled | number you dialed | number you dialled
number you have called | number you are calling is not | not in service | no longer in service
has been disconnected | cannot be completed | could not be completed | circuits are busy
is switched off | is turned off | check the number and | out of the coverage area
subscriber you have dialed | does not accept unidentified calls
numero que usted ha marcado | numero que ha marcado | fuera de servicio | numero marcado no
no puede ser completada | apagado o fuera | verifique el numero
numero compose n'est | numero que vous avez compose | n'est pas en service | n'est pas attribue
ne peut etre complete | ne peut aboutir | verifier le numero
numero che ha digitato | numero da lei | numero selezionato | non e raggiungibile
cliente da lei chiamato | non e in uso | essere completata | controllare il numero
набранный номер | набранный вами номер | номер не существует | аппарат абонента | вне зоны
абонент временно недоступен | проверьте номер | номер отключен
"""
_MENU = """
main menu | following options | menu options | please hold | stay on the line | remain on the line
your call is important | calls may be recorded | call may be recorded | pound key | touch tone
next available representative | next available agent | estimated hold time | first in line
menu principal | siguientes opciones | permanezca en la linea | su llamada es importante
tecla de numero | representantes se encuentran
choix suivants | options suivantes | demeurez en ligne | restez en ligne | patienter
votre appel est important | touche diese | representants sont
seguenti opzioni | rimanga in linea | resti in linea | attendere in linea | la sua chiamata e
tasto cancelletto | nostri operatori
главное меню | оставайтесь на линии | ваш звонок очень важен | ваш звонок важен | в тональном режиме
операторы заняты | с первым освободившимся
"""
_MAILBOX = """
leave a message | leave your message | leave me a message | leave us a message | record a message
record your message | leave your name | voice mail | voicemail | mailbox | mail box
answering machine | you have reached | you've reached
deje un mensaje | deje su mensaje | dejar un mensaje | deja un mensaje | dejar su mensaje
deja tu mensaje | grabe su mensaje | buzon | contestador
laissez un message | laissez votre message | laisser un message | laisser votre message
laissez moi un message | boite vocale | messagerie | repondeur | vous etes bien chez
lasciare un messaggio | lasci un messaggio | lasciate un messaggio | lascia un messaggio
lasciare il messaggio | segreteria telefonica | casella vocale
оставьте сообщение | оставьте ваше сообщение | оставить сообщение | автоответчик | голосовая почта
голосовой почты | голосовую почту | почтовый ящик
"""
_ABSENCE = """
not available | is unavailable | unavailable to take | can't take your call | cannot take your call
can't come to the phone | cannot come to the phone | unable to take your call | is on the phone
not able to take your call | nobody is available | no one is available | get back to you
return your call | call you back
no esta disponible | no esta libre | nadie esta libre | no puedo atender | no podemos atender
se encuentra ocupada | le devolvere la llamada | no puedo contestar
n'est pas disponible | pas disponible pour | personne n'est en mesure | est presentement en ligne
ne peux pas repondre | ne pouvons pas repondre | vous rappellerai | absent
non e disponibile | non posso rispondere | non possiamo rispondere | nessuno degli operatori
sara richiamato | la richiamero
недоступен | не может ответить | никто не может принять | не могу ответить | перезвоню вам
"""
_PRESS = """
press | dial | enter | push
marque | presione | oprima | pulse | digite
appuyez | appuyer | composez | composer | tapez | faites
premi | prema | premere | premete | digitare | digiti
нажмите | наберите | введите
"""
_KEYS = """
one two three four five six seven eight nine zero star pound hash
uno dos tres cuatro cinco seis siete ocho nueve cero
un deux trois quatre cinq six sept huit neuf zero etoile diese
due tre quattro cinque sei sette otto nove cancelletto asterisco
один два три четыре пять шесть семь восемь девять ноль решетку звездочку
"""


def folded(text: str) -> str:
    """Words in small letters without accents, one space between and around them."""
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return f" {' '.join(_WORD.findall(plain))} "


def _phrases(text: str) -> tuple[str, ...]:
    lines = text.strip().splitlines()
    return tuple(folded(phrase) for line in lines for phrase in line.split("|"))


PHRASES: dict[Says, tuple[str, ...]] = {
    Says.TONE: _phrases(_TONE),
    Says.NETWORK: _phrases(_NETWORK),
    Says.MENU: _phrases(_MENU),
    Says.MAILBOX: _phrases(_MAILBOX),
    Says.ABSENCE: _phrases(_ABSENCE),
}
"In the order in which they count: a mailbox that names keys is a mailbox."
PRESS = frozenset(phrase.strip() for phrase in _phrases(_PRESS))
KEYS = frozenset(folded(_KEYS).split())


def what_says(text: str) -> Says | None:
    """What these words give away; None: nothing."""
    words = folded(text)
    for says, phrases in PHRASES.items():
        if any(phrase in words for phrase in phrases):
            return says
        if says is Says.NETWORK and _names_keys(words.split()):
            return Says.MENU
    return None


def _names_keys(words: list[str]) -> bool:
    """`press 1`, `appuyez sur le deux`: a verb and soon after it a key."""
    return any(
        word in PRESS and any(_is_key(near) for near in words[index + 1 : index + 1 + NEAR_WORDS])
        for index, word in enumerate(words)
    )


def _is_key(word: str) -> bool:
    return word in KEYS or (word.isdecimal() and len(word) == 1)
