// The texts of commands, in their chunk.

import type { Language } from "../i18n/language";
import type { Command } from "./names";

const en = {
  unknown: (command: string) => `There is no command ${command}. /help lists them; begin with // to send it as text.`,
  title: "Commands",
  hosts: "For the host",
  close: "Close",
  usage: {
    me: "/me WORDS",
    nick: "/nick NAME",
    invite: "/invite",
    help: "/help",
    kick: "/kick NAME",
    mute: "/mute NAME",
    unmute: "/unmute NAME",
    host: "/host NAME",
    lock: "/lock [open|knock]",
    unlock: "/unlock",
    knock: "/knock",
    topic: "/topic TITLE",
    burn: "/burn",
  } satisfies Record<Command, string> as Record<Command, string>,
  what: {
    me: "Say what you do: *your name WORDS*",
    nick: "Change your name",
    invite: "Invite people",
    help: "This list",
    kick: "Remove a person from the room",
    mute: "Mute a person in the chat",
    unmute: "Let a muted person write again",
    host: "Make another person the host",
    lock: "Let nobody new in, or everyone, or those you let in",
    unlock: "Let everyone with the link in",
    knock: "New people ask to join",
    topic: "Give the room a title; without one it has none",
    burn: "End the room for everyone",
  } satisfies Record<Command, string> as Record<Command, string>,
  slashes: "A message that begins with // is sent with one slash.",
  needs: (usage: string) => `Write it like this: ${usage}`,
  nobody: (name: string) => `Nobody here is called ${name}.`,
  several: (name: string, marks: string) => `Several people here are called ${name}. Add a mark: ${marks}.`,
  linkCopied: "The link to this room is copied.",
  linkFailed: "The link couldn’t be copied. Use the “Invite” button.",
  done: {
    kick: (name: string) => `${name} was removed.`,
    mute: (name: string) => `${name} is muted in the chat.`,
    unmute: (name: string) => `${name} can write again.`,
    host: (name: string) => `${name} is now the host.`,
  },
};

export type CommandTexts = typeof en;

const ru: CommandTexts = {
  unknown: (command) =>
    `Команды ${command} нет. Список: /help. Чтобы отправить это как текст, начните с двух косых черт: //`,
  title: "Команды",
  hosts: "Для организатора",
  close: "Закрыть",
  usage: {
    me: "/me СЛОВА",
    nick: "/nick ИМЯ",
    invite: "/invite",
    help: "/help",
    kick: "/kick ИМЯ",
    mute: "/mute ИМЯ",
    unmute: "/unmute ИМЯ",
    host: "/host ИМЯ",
    lock: "/lock [open|knock]",
    unlock: "/unlock",
    knock: "/knock",
    topic: "/topic ТЕМА",
    burn: "/burn",
  },
  what: {
    me: "Сказать о себе: *ваше имя СЛОВА*",
    nick: "Изменить своё имя",
    invite: "Пригласить в комнату",
    help: "Этот список",
    kick: "Удалить участника из комнаты",
    mute: "Запретить участнику писать в чат",
    unmute: "Снова разрешить участнику писать",
    host: "Сделать другого организатором",
    lock: "Не впускать новых, впускать всех или по запросу",
    unlock: "Впускать всех, у кого есть ссылка",
    knock: "Новых впускает организатор",
    topic: "Задать тему комнаты; без слов — убрать её",
    burn: "Закрыть комнату для всех",
  },
  slashes: "Сообщение, которое начинается с //, отправляется с одной косой чертой.",
  needs: (usage) => `Напишите так: ${usage}`,
  nobody: (name) => `Участника с именем ${name} здесь нет.`,
  several: (name, marks) => `Участников с именем ${name} несколько. Добавьте метку: ${marks}.`,
  linkCopied: "Ссылка на комнату скопирована.",
  linkFailed: "Не удалось скопировать ссылку. Воспользуйтесь кнопкой «Пригласить».",
  done: {
    kick: (name) => `${name} больше не в комнате.`,
    mute: (name) => `${name}: писать в чат запрещено.`,
    unmute: (name) => `${name}: снова можно писать в чат.`,
    host: (name) => `${name} теперь организатор.`,
  },
};

export const COMMAND_TEXTS: Record<Language, CommandTexts> = { en, ru };
