using System.CommandLine;
using System.CommandLine.Parsing;
using AsArm.Assd.Models;
using AsArm.Cli.Bench;
using AsArm.Cli.Commands;
using AsArm.Cli.Options;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Cli;

/// <summary>The whole command on given streams: from arguments to an exit code, with every failure in one line of standard error.</summary>
internal static class AsarmProgram
{
    public static async Task<int> RunAsync(string[] arguments, CommandStreams streams)
    {
        try
        {
            return await RunCommandAsync(arguments, streams);
        }
        catch (Exception error) when (error is UsageException or InfillTextException or ModelFolderException or DeviceNotAvailableException or ModelOutputException or ModelRunException || ErrorText.IsOfAnOption(error))
        {
            return Fail(streams, ExitCode.BadInput, ErrorText.Of(error));
        }
        catch (OutputException error)
        {
            return Fail(streams, ExitCode.Failed, error.Message);
        }
        catch (OperationCanceledException)
        {
            return Fail(streams, ExitCode.Failed, "cancelled");
        }
#pragma warning disable CA1031 // The last resort of a command: a line and an exit code instead of a stack trace.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return Fail(streams, ExitCode.Failed, $"{error.GetType().Name}: {error.Message}");
        }
    }

    private static async Task<int> RunCommandAsync(string[] arguments, CommandStreams streams)
    {
        var root = new RootCommand("Fills the gaps of a text, exactly as its any-subset autoregressive model would, and scores marked spans.")
        {
            InfillCommand.Create(),
            ScoreCommand.Create(),
            CandidatesCommand.Create(),
            TokensCommand.Create(),
            VerifyCommand.Create(),
            InfoCommand.Create(),
            BenchCommand.Create(),
            ServeCommand.Create(),
        };
        Examples.AddTo(root);

        var parser = new ParserConfiguration { ResponseFileTokenReplacer = null }; // a text may start with @: no response files
        var configuration = new CommandConfiguration(streams);
        if (arguments.Length == 0)
        {
            await root.Parse(["--help"], parser).InvokeAsync(configuration);
            return ExitCode.BadInput;
        }

        ParseResult parsed = root.Parse(arguments, parser);
        if (parsed.CommandResult.Command.Name == ServeCommand.Name)
            configuration.ProcessTerminationTimeout = null; // the server handles signals itself, and lets requests end
        return parsed.Errors.Count > 0 ? Fail(streams, ExitCode.BadInput, Describe(parsed)) : await parsed.InvokeAsync(configuration);
    }

    private static string Describe(ParseResult parsed)
    {
        // An unknown option is taken for the TEXT, so that the parser complains of the TEXT itself.
        Token? option = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash)
            .FirstOrDefault(token => token.Type == TokenType.Argument && ArgumentText.LooksLikeAnOption(token.Value));
        return parsed.UnmatchedTokens.Count > 0 && option is not null
            ? $"Unknown option '{option.Value}'."
            : parsed.Errors[^1].Message; // the last is the most specific
    }

    private static int Fail(CommandStreams streams, int code, string message)
    {
        streams.Error.WriteLine($"asarm: {message.ReplaceLineEndings(" ").Trim()}");
        return code;
    }
}
