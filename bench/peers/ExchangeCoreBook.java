import exchange.core2.collections.objpool.ObjectsPool;
import exchange.core2.core.common.CoreSymbolSpecification;
import exchange.core2.core.common.MatcherEventType;
import exchange.core2.core.common.MatcherTradeEvent;
import exchange.core2.core.common.OrderAction;
import exchange.core2.core.common.OrderType;
import exchange.core2.core.common.SymbolType;
import exchange.core2.core.common.cmd.CommandResultCode;
import exchange.core2.core.common.cmd.OrderCommand;
import exchange.core2.core.common.config.LoggingConfiguration;
import exchange.core2.core.orderbook.IOrderBook;
import exchange.core2.core.orderbook.OrderBookDirectImpl;
import exchange.core2.core.orderbook.OrderBookEventsHelper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Runs a plain stream (see bench/generator.py) through exchange-core's OrderBookDirectImpl, one book a symbol, called
 * directly: no disruptor, no risk engine, no journal.
 *
 * <p>Arguments: the file, the number of symbols. Prints "checked TRADES QUANTITY REFUSED" after a first pass whose events
 * are all read. Then each line of the standard input runs one pass on new books and prints its nanoseconds.
 */
public final class ExchangeCoreBook {

    private static final int COLUMNS = 8;
    private static final long PRICE_MOST = 1L << 40;

    public static void main(String[] arguments) throws IOException {
        OrderCommand[] commands = read(Path.of(arguments[0]));
        int symbols = Integer.parseInt(arguments[1]);
        check(commands, newBooks(symbols));
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        while (asked.readLine() != null) {
            System.out.println(pass(commands, newBooks(symbols)));
        }
    }

    private static long pass(OrderCommand[] commands, IOrderBook[] books) {
        long start = System.nanoTime();
        for (OrderCommand command : commands) {
            IOrderBook.processCommand(books[command.symbol], command);
            // Whoever read the events is done with them: kept, they would be the collector's work, not the book's.
            command.matcherEvent = null;
        }
        return System.nanoTime() - start;
    }

    private static void check(OrderCommand[] commands, IOrderBook[] books) {
        long trades = 0;
        long quantity = 0;
        long refused = 0;
        for (OrderCommand command : commands) {
            if (IOrderBook.processCommand(books[command.symbol], command) != CommandResultCode.SUCCESS) {
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
        System.out.println("checked " + trades + " " + quantity + " " + refused);
    }

    private static IOrderBook[] newBooks(int symbols) {
        // The sizes that exchange-core's own matching router gives the pool that its books share.
        Map<Integer, Integer> sizes = new HashMap<>();
        sizes.put(ObjectsPool.DIRECT_ORDER, 1024 * 1024);
        sizes.put(ObjectsPool.DIRECT_BUCKET, 1024 * 64);
        sizes.put(ObjectsPool.ART_NODE_4, 1024 * 32);
        sizes.put(ObjectsPool.ART_NODE_16, 1024 * 16);
        sizes.put(ObjectsPool.ART_NODE_48, 1024 * 8);
        sizes.put(ObjectsPool.ART_NODE_256, 1024 * 4);
        ObjectsPool pool = new ObjectsPool(sizes);
        IOrderBook[] books = new IOrderBook[symbols];
        for (int symbol = 0; symbol < symbols; symbol++) {
            CoreSymbolSpecification specification = CoreSymbolSpecification.builder()
                    .symbolId(symbol)
                    .type(SymbolType.CURRENCY_EXCHANGE_PAIR)
                    .baseCurrency(1)
                    .quoteCurrency(2)
                    .baseScaleK(1)
                    .quoteScaleK(1)
                    .build();
            books[symbol] = new OrderBookDirectImpl(
                    specification, pool, OrderBookEventsHelper.NON_POOLED_EVENTS_HELPER, LoggingConfiguration.DEFAULT);
        }
        return books;
    }

    private static OrderCommand[] read(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            LongBuffer numbers = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asLongBuffer();
            OrderCommand[] commands = new OrderCommand[numbers.remaining() / COLUMNS];
            long[] row = new long[COLUMNS];
            for (int place = 0; place < commands.length; place++) {
                numbers.get(row);
                commands[place] = command(row);
            }
            return commands;
        }
    }

    private static OrderCommand command(long[] row) {
        long order = row[2];
        long investor = row[3];
        OrderAction action = row[4] == 0 ? OrderAction.BID : OrderAction.ASK;
        long price = row[5];
        long quantity = row[6];
        long marketPrice = action == OrderAction.BID ? PRICE_MOST : 0;
        OrderCommand command = switch ((int) row[0]) {
            case 0 -> OrderCommand.newOrder(OrderType.GTC, order, investor, price, PRICE_MOST, quantity, action);
            case 1 -> OrderCommand.newOrder(OrderType.IOC, order, investor, price, PRICE_MOST, quantity, action);
            case 2 -> OrderCommand.newOrder(OrderType.IOC, order, investor, marketPrice, PRICE_MOST, quantity, action);
            case 3 -> OrderCommand.cancel(order, investor);
            case 4 -> OrderCommand.reduce(order, investor, quantity);
            case 5 -> OrderCommand.update(order, investor, price);
            default -> throw new IllegalArgumentException("unknown kind " + row[0]);
        };
        command.symbol = (int) row[1];
        return command;
    }
}
