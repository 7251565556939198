// The texts of the comparison, in its chunk.

import type { TransportName } from "../protocol/transport-name";
import type { Language } from "./language";

type About = { name: string; how: string; right: string };

const en = {
  title: "Four connections to one room",
  lead: "The same room four times. Each pane is a participant of its own with its own kind of connection: write in one and see when it arrives in the others.",
  usual: "Normally the page picks the first one that works, in this order, and goes back up by itself.",
  openRoom: "Open this room normally",
  sayAll: "Send a line from all four",
  line: (n: number, name: string) => `Line ${n}, by ${name}`,
  about: {
    ws: {
      name: "WebSocket",
      how: "One connection both ways: a handshake, then a few bytes around each frame.",
      right: "Right wherever it gets through.",
    },
    sse: {
      name: "SSE",
      how: "One answer that never ends brings everything; what you say goes by a request of its own. It reads as fast as a WebSocket, and takes one of the six connections a browser allows a server over HTTP/1.1.",
      right: "Right where a proxy stops WebSockets but lets an answer flow.",
    },
    "long-poll": {
      name: "Long poll",
      how: "A question waits at the server until there is something to tell, 20 s at most; then the next is asked. A busy room costs a request for every few lines, a silent one three a minute.",
      right: "Right where a proxy holds an answer back until it is complete.",
    },
    "short-poll": {
      name: "Short poll",
      how: "A question every 2 s, answered at once. It costs the same whether anybody speaks or not, everything comes up to 2 s late, and a page the browser has put to sleep may lose its place.",
      right: "Right only where nothing else gets through.",
    },
  } satisfies Record<TransportName, About> as Record<TransportName, About>,
  messagesBy: (name: string) => `Messages by ${name}`,
  messageBy: (name: string) => `Message by ${name}`,
  sendBy: (name: string) => `Send by ${name}`,
  quiet: "No messages yet.",
  requests: "Requests",
  received: "Received",
  sent: "Sent",
  messages: "Messages",
  delay: "Arrives after",
  delays: (median: string, last: string) => `${median} (last: ${last})`,
  none: "not measured yet",
  countedTitle: "What is counted",
  countedBytes:
    "Received and sent: the text of frames, questions and answers as this page sees it, uncompressed. Headers are not in it, for a page cannot see them: about 1.4 kB for each request with its answer, 2 to 14 bytes for a frame of a WebSocket. Where polls look lean, add them.",
  countedDelay:
    "Arrives after: from the moment a line is sent in another pane until it is here, the median of the last hundred and the last one. The way up, by the other pane’s transport, is in it.",
};

type Texts = typeof en;

const ru: Texts = {
  title: "Четыре способа связи с одной комнатой",
  lead: "Одна и та же комната четыре раза. Каждое окошко\u00a0— отдельный участник со своим способом связи: напишите в одном и смотрите, когда сообщение дойдёт до остальных.",
  usual: "Обычно страница выбирает первый работающий способ, в этом порядке, и сама возвращается к лучшему.",
  openRoom: "Открыть эту комнату как обычно",
  sayAll: "Отправить по строке из всех четырёх",
  line: (n, name) => `Строка ${n}: ${name}`,
  about: {
    ws: {
      name: "WebSocket",
      how: "Одно соединение в обе стороны: рукопожатие, а дальше по нескольку байтов вокруг каждого сообщения.",
      right: "Хорош везде, где проходит.",
    },
    sse: {
      name: "SSE",
      how: "Один нескончаемый ответ приносит всё, а ваше уходит отдельными запросами. Читает так же быстро, как WebSocket, и занимает одно из шести соединений, которые браузер держит с сервером по HTTP/1.1.",
      right: "Хорош там, где прокси не пускает WebSocket, но не задерживает ответы.",
    },
    "long-poll": {
      name: "Длинные опросы",
      how: "Вопрос ждёт на сервере, пока не появится что рассказать, но не дольше 20\u00a0с; потом задаётся следующий. В шумной комнате это запрос на каждые несколько строк, в тихой\u00a0— три в минуту.",
      right: "Хороши там, где прокси держит ответ, пока не получит его целиком.",
    },
    "short-poll": {
      name: "Короткие опросы",
      how: "Вопрос каждые 2\u00a0с, ответ сразу. Цена одна и та же, говорит кто-нибудь или нет, всё приходит с опозданием до 2\u00a0с, а страница, усыплённая браузером, может потерять место.",
      right: "Хороши, только если больше ничего не проходит.",
    },
  },
  messagesBy: (name) => `Сообщения: ${name}`,
  messageBy: (name) => `Написать: ${name}`,
  sendBy: (name) => `Отправить: ${name}`,
  quiet: "Сообщений пока нет.",
  requests: "Запросов",
  received: "Принято",
  sent: "Отправлено",
  messages: "Сообщений",
  delay: "Доходит за",
  delays: (median, last) => `${median} (последнее: ${last})`,
  none: "пока не измерено",
  countedTitle: "Что посчитано",
  countedBytes:
    "Принято и отправлено: текст сообщений, вопросов и ответов, каким его видит эта страница, без сжатия. Заголовков здесь нет, страница их не видит: около 1,4\u00a0кБ на каждый запрос с ответом, от 2 до 14 байтов на сообщение по WebSocket. Где опросы выглядят скромно, прибавьте их.",
  countedDelay:
    "Доходит за: от отправки строки в другом окошке до её появления здесь, медиана последней сотни и последнее значение. Путь до сервера, тем способом, что у другого окошка, сюда входит.",
};

export const COMPARISON: Record<Language, Texts> = { en, ru };
