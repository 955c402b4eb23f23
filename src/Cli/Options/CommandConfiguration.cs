using System.CommandLine;
using AsArm.Cli.Streams;

namespace AsArm.Cli.Options;

/// <summary>How a command line is run: on which streams, and with exceptions left to the caller.</summary>
internal sealed class CommandConfiguration : InvocationConfiguration
{
    public CommandConfiguration(CommandStreams streams)
    {
        Streams = streams;
        (Output, Error) = (streams.OutputWriter, streams.Error);
        EnableDefaultExceptionHandler = false;
    }

    /// <summary>Where the command reads and writes.</summary>
    public CommandStreams Streams { get; }

    /// <summary>The streams of a parsed command line that is being run.</summary>
    public static CommandStreams StreamsOf(ParseResult parsed) => ((CommandConfiguration)parsed.InvocationConfiguration).Streams;
}
