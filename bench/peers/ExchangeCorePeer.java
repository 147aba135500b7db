import exchange.core2.collections.objpool.ObjectsPool;
import exchange.core2.core.common.BalanceAdjustmentType;
import exchange.core2.core.common.CoreSymbolSpecification;
import exchange.core2.core.common.MatcherEventType;
import exchange.core2.core.common.MatcherTradeEvent;
import exchange.core2.core.common.OrderAction;
import exchange.core2.core.common.OrderType;
import exchange.core2.core.common.SymbolType;
import exchange.core2.core.common.api.reports.TotalCurrencyBalanceReportQuery;
import exchange.core2.core.common.cmd.CommandResultCode;
import exchange.core2.core.common.cmd.OrderCommand;
import exchange.core2.core.common.cmd.OrderCommandType;
import exchange.core2.core.common.config.ExchangeConfiguration;
import exchange.core2.core.common.config.LoggingConfiguration;
import exchange.core2.core.common.config.OrdersProcessingConfiguration;
import exchange.core2.core.common.config.OrdersProcessingConfiguration.MarginTradingMode;
import exchange.core2.core.common.config.OrdersProcessingConfiguration.RiskProcessingMode;
import exchange.core2.core.orderbook.IOrderBook;
import exchange.core2.core.orderbook.OrderBookDirectImpl;
import exchange.core2.core.orderbook.OrderBookEventsHelper;
import exchange.core2.core.processors.MatchingEngineRouter;
import exchange.core2.core.processors.RiskEngine;
import exchange.core2.core.processors.SharedPool;
import exchange.core2.core.processors.journaling.DummySerializationProcessor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.collections.impl.map.mutable.primitive.IntLongHashMap;

/**
 * Runs a plain stream (see bench/generator.py) through parts of exchange-core, called directly on one thread: no
 * disruptor, no journal.
 *
 * <p>Arguments: "book" or "accounts", the file, and how many symbols, price levels, users, and of cash and of each
 * symbol's shares each user has. Prints "checked TRADES QUANTITY REFUSED" after a first pass whose events are all read.
 * Then each line of the standard input runs one pass on a new market and prints its nanoseconds.
 */
public final class ExchangeCorePeer {

    private static final int COLUMNS = 8;

    /** What a stream is run through. A process loads one of its classes only, so a call costs what the class costs. */
    private interface Market {
        CommandResultCode run(OrderCommand command);

        /** Throws where the market is not sound any more. */
        void check();
    }

    private record Size(int symbols, long levels, int users, long cash, long shares) {
        Market open(String kind) {
            return switch (kind) {
                case "book" -> new Books(this);
                case "accounts" -> new Accounts(this);
                default -> throw new IllegalArgumentException("neither book nor accounts: " + kind);
            };
        }
    }

    public static void main(String[] arguments) throws IOException {
        Size size = new Size(
                Integer.parseInt(arguments[2]),
                Long.parseLong(arguments[3]),
                Integer.parseInt(arguments[4]),
                Long.parseLong(arguments[5]),
                Long.parseLong(arguments[6]));
        OrderCommand[] commands = read(Path.of(arguments[1]), size.levels);
        check(commands, size.open(arguments[0]));
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        while (asked.readLine() != null) {
            System.out.println(pass(commands, size.open(arguments[0])));
        }
    }

    private static long pass(OrderCommand[] commands, Market market) {
        long start = System.nanoTime();
        for (OrderCommand command : commands) {
            market.run(command);
            // Whoever read the events is done with them: kept, they would be the collector's work, not the market's.
            command.matcherEvent = null;
        }
        return System.nanoTime() - start;
    }

    private static void check(OrderCommand[] commands, Market market) {
        long trades = 0;
        long quantity = 0;
        long refused = 0;
        for (OrderCommand command : commands) {
            if (market.run(command) != CommandResultCode.SUCCESS) {
                refused++;
            }
            for (MatcherTradeEvent event = command.matcherEvent; event != null; event = event.nextEvent) {
                if (event.eventType == MatcherEventType.TRADE) {
                    trades++;
                    quantity += event.size;
                }
            }
            command.matcherEvent = null;
        }
        market.check();
        System.out.println("checked " + trades + " " + quantity + " " + refused);
    }

    /** One OrderBookDirectImpl a symbol: price and time, and nobody's money. */
    private static final class Books implements Market {
        private final IOrderBook[] books;

        Books(Size size) {
            // The sizes that exchange-core's own matching router gives the pool that its books share.
            Map<Integer, Integer> sizes = new HashMap<>();
            sizes.put(ObjectsPool.DIRECT_ORDER, 1024 * 1024);
            sizes.put(ObjectsPool.DIRECT_BUCKET, 1024 * 64);
            sizes.put(ObjectsPool.ART_NODE_4, 1024 * 32);
            sizes.put(ObjectsPool.ART_NODE_16, 1024 * 16);
            sizes.put(ObjectsPool.ART_NODE_48, 1024 * 8);
            sizes.put(ObjectsPool.ART_NODE_256, 1024 * 4);
            ObjectsPool pool = new ObjectsPool(sizes);
            books = new IOrderBook[size.symbols];
            for (int symbol = 0; symbol < size.symbols; symbol++) {
                books[symbol] = new OrderBookDirectImpl(
                        specification(symbol),
                        pool,
                        OrderBookEventsHelper.NON_POOLED_EVENTS_HELPER,
                        LoggingConfiguration.DEFAULT);
            }
        }

        @Override
        public CommandResultCode run(OrderCommand command) {
            return IOrderBook.processCommand(books[command.symbol], command);
        }

        @Override
        public void check() {}
    }

    /** The same books behind their router, before and behind it the risk engine: a command's whole way but the queues. */
    private static final class Accounts implements Market {
        private final RiskEngine risk;
        private final MatchingEngineRouter router;
        private long sequence;

        Accounts(Size size) {
            // Margins are not asked of currency pairs; without them the risk engine has the least to do.
            ExchangeConfiguration configuration = ExchangeConfiguration.defaultBuilder()
                    .ordersProcessingCfg(OrdersProcessingConfiguration.builder()
                            .riskProcessingMode(RiskProcessingMode.FULL_PER_CURRENCY)
                            .marginTradingMode(MarginTradingMode.MARGIN_TRADING_DISABLED)
                            .build())
                    .build();
            // As exchange-core makes it for one risk and one matching engine; its books do not pool events either.
            SharedPool pool = new SharedPool(8, 4, 1);
            risk = new RiskEngine(0, 1, DummySerializationProcessor.INSTANCE, pool, configuration);
            router = new MatchingEngineRouter(
                    0, 1, DummySerializationProcessor.INSTANCE, OrderBookDirectImpl::new, pool, configuration);
            for (int symbol = 0; symbol < size.symbols; symbol++) {
                CoreSymbolSpecification specification = specification(symbol);
                risk.getSymbolSpecificationProvider().addSymbol(specification);
                router.getOrderBooks()
                        .put(
                                symbol,
                                new OrderBookDirectImpl(
                                        specification,
                                        router.getObjectsPool(),
                                        router.getEventsHelper(),
                                        LoggingConfiguration.DEFAULT));
            }
            for (int user = 0; user < size.users; user++) {
                administer(OrderCommandType.ADD_USER, user, 0, 0);
                administer(OrderCommandType.BALANCE_ADJUSTMENT, user, CASH, size.cash);
                for (int symbol = 0; symbol < size.symbols; symbol++) {
                    administer(OrderCommandType.BALANCE_ADJUSTMENT, user, shares(symbol), size.shares);
                }
            }
        }

        @Override
        public CommandResultCode run(OrderCommand command) {
            long place = sequence++;
            risk.preProcessCommand(place, command);
            router.processOrder(place, command);
            risk.handlerRiskRelease(place, command);
            return command.resultCode;
        }

        @Override
        public void check() {
            TotalCurrencyBalanceReportQuery query = new TotalCurrencyBalanceReportQuery();
            IntLongHashMap sums = query.process(risk).orElseThrow().getGlobalBalancesSum();
            query.process(router).orElseThrow().getOrdersBalances().forEachKeyValue(sums::addToValue);
            if (!sums.allSatisfy(sum -> sum == 0)) {
                throw new IllegalStateException("exchange-core lost or made cash or shares: " + sums);
            }
            risk.getUserProfileService().getUserProfiles().forEach(user -> {
                if (!user.accounts.allSatisfy(amount -> amount >= 0)) {
                    throw new IllegalStateException("exchange-core let a user owe: " + user);
                }
            });
        }

        private void administer(OrderCommandType type, long user, int currency, long amount) {
            OrderCommand command = new OrderCommand();
            command.command = type;
            command.uid = user;
            command.symbol = currency;
            command.price = amount;
            command.orderId = ++sequence;
            command.orderType = OrderType.of(BalanceAdjustmentType.ADJUSTMENT.getCode());
            risk.preProcessCommand(sequence, command);
            if (command.resultCode != CommandResultCode.SUCCESS) {
                throw new IllegalStateException(type + " was answered by " + command.resultCode);
            }
        }
    }

    private static final int CASH = 1;

    private static int shares(int symbol) {
        return CASH + 1 + symbol;
    }

    private static CoreSymbolSpecification specification(int symbol) {
        return CoreSymbolSpecification.builder()
                .symbolId(symbol)
                .type(SymbolType.CURRENCY_EXCHANGE_PAIR)
                .baseCurrency(shares(symbol))
                .quoteCurrency(CASH)
                .baseScaleK(1)
                .quoteScaleK(1)
                .build();
    }

    private static OrderCommand[] read(Path file, long levels) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            LongBuffer numbers = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asLongBuffer();
            OrderCommand[] commands = new OrderCommand[numbers.remaining() / COLUMNS];
            long[] row = new long[COLUMNS];
            for (int place = 0; place < commands.length; place++) {
                numbers.get(row);
                commands[place] = command(row, levels);
            }
            return commands;
        }
    }

    private static OrderCommand command(long[] row, long levels) {
        long order = row[2];
        long investor = row[3];
        OrderAction action = row[4] == 0 ? OrderAction.BID : OrderAction.ASK;
        long price = row[5];
        long quantity = row[6];
        long marketPrice = action == OrderAction.BID ? levels : 0;
        // A buy holds cash at its reserve price and may never be moved beyond it: the highest there is.
        OrderCommand command = switch ((int) row[0]) {
            case 0 -> OrderCommand.newOrder(OrderType.GTC, order, investor, price, levels, quantity, action);
            case 1 -> OrderCommand.newOrder(OrderType.IOC, order, investor, price, levels, quantity, action);
            case 2 -> OrderCommand.newOrder(OrderType.IOC, order, investor, marketPrice, levels, quantity, action);
            case 3 -> OrderCommand.cancel(order, investor);
            case 4 -> OrderCommand.reduce(order, investor, quantity);
            case 5 -> OrderCommand.update(order, investor, price);
            default -> throw new IllegalArgumentException("unknown kind " + row[0]);
        };
        command.symbol = (int) row[1];
        return command;
    }
}
