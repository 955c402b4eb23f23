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

StandardStreams.Install();
try
{
    return await RunAsync(args);
}
catch (Exception error) when (error is UsageException or InfillTextException or ModelFolderException or DeviceNotAvailableException or ModelOutputException or ModelRunException)
{
    return Fail(ExitCode.BadInput, error.Message);
}
catch (OutputException error)
{
    return Fail(ExitCode.Failed, error.Message);
}
catch (OperationCanceledException)
{
    return Fail(ExitCode.Failed, "cancelled");
}
#pragma warning disable CA1031 // The last resort of a command: a line and an exit code instead of a stack trace.
catch (Exception error)
#pragma warning restore CA1031
{
    return Fail(ExitCode.Failed, $"{error.GetType().Name}: {error.Message}");
}

static async Task<int> RunAsync(string[] arguments)
{
    var root = new RootCommand("Fills the gaps of a text, exactly as its any-subset autoregressive model would, and scores marked spans.")
    {
        InfillCommand.Create(),
        ScoreCommand.Create(),
        TokensCommand.Create(),
        VerifyCommand.Create(),
        InfoCommand.Create(),
        BenchCommand.Create(),
    };
    Examples.AddTo(root);

    var parser = new ParserConfiguration { ResponseFileTokenReplacer = null }; // a text may start with @: no response files
    var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
    if (arguments.Length == 0)
    {
        await root.Parse(["--help"], parser).InvokeAsync(invocation);
        return ExitCode.BadInput;
    }

    ParseResult parsed = root.Parse(arguments, parser);
    return parsed.Errors.Count > 0 ? Fail(ExitCode.BadInput, Describe(parsed)) : await parsed.InvokeAsync(invocation);
}

static string Describe(ParseResult parsed)
{
    // An unknown option is taken for the TEXT, so that the parser complains of the TEXT itself.
    Token? option = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).FirstOrDefault(IsOptionLike);
    return parsed.UnmatchedTokens.Count > 0 && option is not null
        ? $"Unknown option '{option.Value}'."
        : parsed.Errors[^1].Message; // the last is the most specific
}

static bool IsOptionLike(Token token) =>
    token.Type == TokenType.Argument && token.Value.StartsWith('-') && token.Value.TrimStart('-') is [var first, ..] && char.IsLetter(first)
    && !token.Value.Any(char.IsWhiteSpace);

static int Fail(int code, string message)
{
    Console.Error.WriteLine($"asarm: {message.ReplaceLineEndings(" ").Trim()}");
    return code;
}
