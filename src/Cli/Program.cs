using AsArm.Cli;
using AsArm.Cli.Streams;

return await AsarmProgram.RunAsync(args, StandardStreams.Install());
