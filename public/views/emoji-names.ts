// Names of emoji in English and in Russian: a short table of our own.

const TABLE = `
😀 grinning улыбка
😄 smile smiley радость
😁 grin ухмылка
😂 joy lol смех слёзы_радости
🤣 rofl ржу
😅 sweat_smile уф
😉 wink подмигивание
😊 blush румянец
😇 innocent angel ангел
🙂 slight_smile улыбочка
🙃 upside_down вверх_ногами
😍 heart_eyes влюблённость
😘 kiss поцелуй
😋 yum вкусно
😎 cool sunglasses круто
🤓 nerd ботаник
🤩 star_struck восторг
🥳 partying праздную
😏 smirk усмешка
😐 neutral без_эмоций
😴 sleeping сон
😢 cry слеза
😭 sob плач
😡 rage злость
😠 angry сердито
🤯 exploding_head взрыв_мозга
😱 scream ужас
😳 flushed смущение
🥺 pleading прошу
😬 grimace гримаса
🙄 roll_eyes закатить_глаза
🤔 thinking hmm думаю
🤨 raised_eyebrow сомнение
🤫 shush тише
🤐 zipper_mouth молчу
😷 mask маска
🤒 sick болею
🤢 nauseated тошнит
🥶 freezing холодно
🥵 hot жарко
😈 imp чертёнок
💀 skull череп
👻 ghost призрак
🤖 robot робот
💩 poop какашка
👍 thumbsup +1 yes класс да
👎 thumbsdown -1 no нет
👏 clap аплодисменты
🙌 raised_hands ура
👋 wave привет пока
🙏 pray thanks спасибо пожалуйста
💪 muscle сила
🤝 handshake договорились
👌 ok_hand окей
✌️ victory peace мир
🤞 fingers_crossed на_удачу
🤷 shrug не_знаю
🤦 facepalm рукалицо
👀 eyes глаза
🧠 brain мозг
❤️ heart love сердце
🧡 orange_heart
💛 yellow_heart
💚 green_heart
💙 blue_heart
💜 purple_heart
💔 broken_heart разбитое_сердце
💯 hundred 100 сто
🔥 fire огонь
✨ sparkles блеск
⭐ star звезда
🎉 tada party праздник
🎂 cake birthday торт
🎁 gift подарок
🎈 balloon шарик
🏆 trophy кубок
🥇 first_place золото
⚽ soccer футбол
🎮 game игра
🎵 music музыка
🎬 movie кино
📷 camera камера
💡 bulb idea идея
📌 pin булавка
📎 paperclip скрепка
📝 memo note заметка
📅 calendar календарь
⏰ alarm будильник
⏳ hourglass жду
🔒 lock замок
🔑 key ключ
🔗 link ссылка
🔍 search поиск
⚙️ gear шестерёнка
🛠️ tools инструменты
🐛 bug жук баг
🚀 rocket ракета
🚗 car машина
✈️ plane самолёт
🏠 home дом
🏖️ beach пляж
🌍 earth земля
☀️ sun солнце
🌙 moon луна
🌧️ rain дождь
❄️ snow снег
🌈 rainbow радуга
🌸 blossom цветок
🌲 tree дерево
🐱 cat кот
🐶 dog собака
🦊 fox лиса
🐻 bear медведь
🐼 panda панда
🦄 unicorn единорог
🐧 penguin пингвин
🐢 turtle черепаха
🦀 crab краб
☕ coffee кофе
🍵 tea чай
🍺 beer пиво
🍷 wine вино
🍕 pizza пицца
🍔 burger бургер
🍎 apple яблоко
🍓 strawberry клубника
🍿 popcorn попкорн
✅ check done готово
❌ cross крестик
❗ exclamation важно
❓ question вопрос
⚠️ warning внимание
♻️ recycle
➕ plus плюс
💬 speech сообщение
💤 zzz
🆗 ok
`;

export const EMOJI_NAMES: readonly { emoji: string; names: readonly string[] }[] = TABLE.trim()
  .split("\n")
  .map((row) => {
    const [emoji, ...names] = row.split(" ");
    return { emoji: emoji!, names };
  });
