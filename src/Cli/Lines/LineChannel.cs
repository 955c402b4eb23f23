using System.Threading.Channels;
using AsArm.Cli.Options;

namespace AsArm.Cli.Lines;

/// <summary>Reads lines on a thread of its own, so that waiting for input blocks neither texts in progress nor Ctrl-C.</summary>
internal static class LineChannel
{
    private const int Capacity = 16; // lines that are read ahead

    /// <summary>The lines; an error of the stream ends them.</summary>
    /// <param name="stream">Closed at its end, and not before, as a pending read cannot be cancelled.</param>
    public static ChannelReader<RawLine> Start(Stream stream)
    {
        Channel<RawLine> channel = Channel.CreateBounded<RawLine>(new BoundedChannelOptions(Capacity) { SingleReader = true, SingleWriter = true });
        new Thread(() => Read(stream, channel.Writer)) { IsBackground = true, Name = "input" }.Start();
        return channel.Reader;
    }

    private static void Read(Stream stream, ChannelWriter<RawLine> writer)
    {
        try
        {
            using (stream)
            {
                foreach (RawLine line in new LineReader(stream).Read())
                    writer.WriteAsync(line).AsTask().GetAwaiter().GetResult();
            }

            writer.Complete();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            writer.Complete(new UsageException($"--input cannot be read: {error.Message}"));
        }
    }
}
