using System.CommandLine;
using AsArm.Assd;
using AsArm.Cli;
using AsArm.Inference;

var root = new RootCommand("Fills the gaps of a text, exactly as its any-subset autoregressive model would, and scores marked spans.")
{
    InfillCommand.Create(),
    ScoreCommand.Create(),
    VerifyCommand.Create(),
    InfoCommand.Create(),
};
Examples.AddTo(root);

// A text may start with @: no response files.
var parser = new ParserConfiguration { ResponseFileTokenReplacer = null };
if (args.Length == 0)
{
    await root.Parse(["--help"], parser).InvokeAsync();
    return ExitCode.BadInput;
}

ParseResult parsed = root.Parse(args, parser);
if (parsed.Errors.Count > 0)
    return Fail(ExitCode.BadInput, parsed.Errors[^1].Message); // the last is the most specific
try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception error) when (error is UsageException or InfillTextException or ModelFolderException or DeviceNotAvailableException or ModelOutputException)
{
    return Fail(ExitCode.BadInput, error.Message);
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

static int Fail(int code, string message)
{
    Console.Error.WriteLine($"asarm: {message.ReplaceLineEndings(" ").Trim()}");
    return code;
}
